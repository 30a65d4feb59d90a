"""The two ways in, as the outside uses them: HTTP with a key, and the queue's `accept`."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from queue import SimpleQueue
from threading import Event, Thread
from types import TracebackType
from typing import Any, Protocol, Self

import httpx
import uvicorn

from events.errors import VouchError
from store.keys import add as add_key
from workers.app import App
from workers.compose import Process
from workers.demo.lines import Via
from workers.queue.queue import Queue
from workers.settings import Settings
from workers.trial import Trial
from workers.verdicts import Verdict
from workers.web.app import web_app

ANSWER_SECONDS = 30.0
"""How long a door may take; longer means that something behind it is broken."""

BATCH = "application/cloudevents-batch+json"
SINGLE = "application/cloudevents+json"
REFUSED = frozenset({400, 403, 413, 422})
"""How a single event is answered that is not taken."""


class DoorError(VouchError):
    """A door that did not answer, or not as it should."""

    code = "demo-door"


class Door(Protocol):
    """One way in."""

    def publish(self, events: Sequence[Any]) -> list[Verdict]:
        """Return the verdict on each event, in order, after they are committed."""


class QueueDoor:
    """Sends `accept` messages through the real queue, and waits until each is handled.

    It stands between queue and App to hear the verdicts, which a publisher never gets.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._verdicts: SimpleQueue[list[Verdict]] = SimpleQueue()
        self.queue = Queue.open(None, self)

    def publish(self, events: Sequence[Any]) -> list[Verdict]:
        """Send one message; return the verdicts once intake has committed."""
        self.queue.publish(list(events))
        return self._verdicts.get(timeout=ANSWER_SECONDS)

    def accept(self, events: list[dict[str, Any]]) -> None:
        """Have the App take in what a message brought."""
        self._verdicts.put(self._app.publish(events))

    def drain(self, slices: list[int]) -> None:
        """Do nothing: the trial drains, when its clock says so."""

    def deliver(self) -> None:
        """Do nothing: the trial delivers, when its clock says so."""

    def is_database_up(self) -> bool:
        """Tell whether the database answers."""
        return self._app.is_database_up()

    def __enter__(self) -> Self:
        self.queue.start(threads=1)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.queue.stop()


class HttpDoor:
    """Posts to the real web application, served on a free port of this machine.

    Args:
        web: The ASGI application.
        secret: An API key that it accepts.
    """

    def __init__(self, web: Any, secret: str) -> None:  # noqa: ANN401 - ASGI has no type of its own
        config = uvicorn.Config(
            web, host="127.0.0.1", port=0, log_config=None, access_log=False, lifespan="auto"
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run, name="demo-web", daemon=True)
        self._headers = {"authorization": f"Bearer {secret}"}
        self._client = httpx.Client(timeout=ANSWER_SECONDS, trust_env=False)

    def publish(self, events: Sequence[Any]) -> list[Verdict]:
        """Post one event by itself, several as a batch; return what the answer says of each."""
        single = len(events) == 1 and isinstance(events[0], dict)
        kind = SINGLE if single else BATCH
        answer = self._client.post(
            f"{self._address}/events",
            json=events[0] if single else list(events),
            headers={**self._headers, "content-type": kind},
        )
        said = answer.json()
        if len(events) == 1 and answer.status_code in REFUSED:
            return [Verdict("rejected", reason=said["error"], field=said["field"])]
        verdicts = [_verdict(each) for each in said.get("events", ())]
        if len(verdicts) != len(events):
            raise DoorError(f"HTTP {answer.status_code} with {len(verdicts)} verdicts")
        return verdicts

    def __enter__(self) -> Self:
        self._thread.start()
        tick = Event()
        while not self._server.started:
            if not self._thread.is_alive():
                raise DoorError("the web server did not start")
            tick.wait(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self._address = f"http://127.0.0.1:{port}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()
        self._server.should_exit = True
        self._thread.join(ANSWER_SECONDS)


def _verdict(told: dict[str, Any]) -> Verdict:
    names = ("status", "id", "type", "reason", "field", "message", "hint")
    return Verdict(**{name: told[name] for name in names if name in told})


@contextmanager
def open_doors(trial: Trial) -> Iterator[Mapping[Via, Door]]:
    """Give both doors to a trial, by the name that lines use; the HTTP one has a key of its own."""
    secret = secrets.token_urlsafe(24)
    with trial.store.transaction() as conn:
        add_key(
            conn,
            name="demo",
            secret_hash=sha256(secret.encode()).hexdigest(),
            sources=["*"],
            types=["*"],
            now=trial.clock.now(),
        )
    settings = Settings.from_env(
        {
            "VOUCH_DATABASE_URL": f"sqlite:///{trial.folder / 'trial.db'}",
            "VOUCH_SECRET_KEYS": secrets.token_urlsafe(32),
        }
    )
    with QueueDoor(trial.app) as queue:
        web = web_app(Process(settings, trial.app, queue.queue))
        with HttpDoor(web, secret) as http:
            yield {"http": http, "queue": queue}
