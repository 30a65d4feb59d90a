"""The three actors: one message that carries data, two nudges.

What `accept` takes can be sent by any dramatiq producer, in any process and without a package
of ours:

```python
broker = RedisBroker(url="redis://...")


@dramatiq.actor(broker=broker, queue_name="events")
def accept(events): ...


accept.send([{"specversion": "1.0", "id": "4711", "source": "crm", "type": "nps.submitted", ...}])
```

In Redis that is one field of the hash `dramatiq:events.msgs`, and the field's name at the end
of the list `dramatiq:events`. `redis_message_id` is the field's name, `message_timestamp` is in
milliseconds, and both ids are any unique text:

```json
{"queue_name": "events", "actor_name": "accept", "args": [[{"specversion": "1.0", "id": "4711"}]],
 "kwargs": {}, "options": {"redis_message_id": "5f1c"}, "message_id": "77ab",
 "message_timestamp": 1767225600000}
```

`args` holds one list of CloudEvents. An event that is refused gets its verdict in the database;
its neighbours are accepted. A message of another shape goes to dramatiq's dead letters
(`dramatiq:events.XQ`), for its default of seven days.
"""

from collections.abc import Callable
from pathlib import PurePath
from traceback import extract_tb
from typing import Any, Protocol

import dramatiq
import structlog
from dramatiq import Broker, Retry
from dramatiq.middleware import Interrupt

from store.errors import is_transient

EVENTS_QUEUE = "events"
DRAIN_QUEUE = "bells"
DELIVER_QUEUE = "deliveries"
NUDGES = frozenset({DRAIN_QUEUE, DELIVER_QUEUE})
"""Queues without messages in Redis: a bell that rings there is the message."""

BACKOFF_MIN_MILLISECONDS = 500
BACKOFF_MAX_MILLISECONDS = 30_000

ACCEPT_LIMIT_MILLISECONDS = 60_000
DRAIN_LIMIT_MILLISECONDS = 60_000
"""A drain ends by itself before that: one that does not is taken for hanging."""
DELIVER_LIMIT_MILLISECONDS = 600_000
"""A burst of mails to a slow server ends by its own time-outs, never in the middle."""

log = structlog.stdlib.get_logger(__name__)


class Handlers(Protocol):
    """What the actors call; the application implements it."""

    def accept(self, events: list[dict[str, Any]]) -> None:
        """Commit a list of CloudEvents, each with its verdict.

        The members come from outside as they are, and may be no objects at all. Return means
        committed; an exception means that the whole list comes again.
        """

    def drain(self, slices: list[int]) -> object:
        """Handle what waits in the slices' inboxes."""

    def deliver(self) -> object:
        """Send what is due."""

    def is_database_up(self) -> bool:
        """Tell whether the database answers; asked only after a failure."""


class MalformedMessageError(Exception):
    """A message on the queue is no list of events; it will never be one."""


def declare_accept(broker: Broker, handlers: Handlers) -> None:
    """Declare the actor that takes events from the queue.

    The message is acknowledged after the commit and retried without limit, each time after a
    longer wait up to `BACKOFF_MAX_MILLISECONDS`. So its events may come twice: intake absorbs
    that by `(source, id)`.
    """

    @dramatiq.actor(
        broker=broker,
        actor_name="accept",
        queue_name=EVENTS_QUEUE,
        max_retries=None,
        min_backoff=BACKOFF_MIN_MILLISECONDS,
        max_backoff=BACKOFF_MAX_MILLISECONDS,
        time_limit=ACCEPT_LIMIT_MILLISECONDS,
        throws=MalformedMessageError,
    )
    def accept(*args: object, **kwargs: object) -> None:
        try:
            events = _events(args, kwargs)
        except MalformedMessageError as error:
            # Nobody waits for an answer: this line, and `vouch doctor`, are all there is.
            log.warning("accept.malformed", why=str(error), kept_in=f"dramatiq:{EVENTS_QUEUE}.XQ")
            raise
        try:
            handlers.accept(events)
        except (Exception, Interrupt) as error:  # noqa: BLE001 - whatever it was, nothing is lost
            log.warning("accept.failed", events=len(events), **_heading(error))
            # dramatiq logs other exceptions with the message's arguments: people's data.
            raise Retry from None


def _events(args: tuple[object, ...], kwargs: dict[str, object]) -> list[Any]:
    """Return the one list that a message carries.

    Raises:
        MalformedMessageError: It carries something else.
    """
    match args, kwargs:
        case ([list() as events], {**rest}) | ([], {"events": list() as events, **rest}):
            if rest:
                raise MalformedMessageError(f"unknown arguments: {len(rest)}")
            return events
        case _:
            raise MalformedMessageError("expected one list of CloudEvents")


def declare_drain(broker: Broker, handlers: Handlers) -> None:
    """Declare the actor that handles what waits in some slices.

    The message is a nudge, the inbox is the truth: a lost message is swept up by the clock, a
    doubled one finds nothing left to do. It carries no data, so it never goes stale.
    """

    @dramatiq.actor(
        broker=broker,
        actor_name="drain",
        queue_name=DRAIN_QUEUE,
        max_retries=0,
        time_limit=DRAIN_LIMIT_MILLISECONDS,
    )
    def drain(slices: list[int]) -> None:
        _nudge("drain.failed", "drain.interrupted", lambda: handlers.drain(slices))


def declare_deliver(broker: Broker, handlers: Handlers) -> None:
    """Declare the actor that sends what is due; a nudge, like `drain`."""

    @dramatiq.actor(
        broker=broker,
        actor_name="deliver",
        queue_name=DELIVER_QUEUE,
        max_retries=0,
        time_limit=DELIVER_LIMIT_MILLISECONDS,
    )
    def deliver() -> None:
        _nudge("deliver.failed", "deliver.interrupted", handlers.deliver)


def _nudge(failure: str, interruption: str, run: Callable[[], object]) -> None:
    try:
        run()
    except Interrupt as error:  # the time is up: what is left is for the next nudge
        log.warning(interruption, **_heading(error))
    except Exception as error:  # noqa: BLE001 - the clock rings again, whatever it was
        # An outage of the database is nobody's mistake.
        say = log.warning if is_transient(error) else log.error
        say(failure, **_heading(error))  # not its text, which may name people


def _heading(error: BaseException) -> dict[str, str]:
    """Return what may be logged of an error: its kind and place, not its words."""
    frames = extract_tb(error.__traceback__)[-3:]
    where = " > ".join(f"{PurePath(frame.filename).name}:{frame.lineno}" for frame in frames)
    return {"error": type(error).__name__, "where": where}
