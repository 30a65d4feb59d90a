"""Middleware of ours: who is speaking in the log, and retries that never leave Redis."""

import structlog
from dramatiq import Broker, MessageProxy
from dramatiq.middleware import Middleware, Retries

_NAMES = ("actor", "message")


class LogContext(Middleware):
    """Binds the actor's name and the message's id to whatever is logged meanwhile."""

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Bind; arguments hold people's data and stay out."""
        structlog.contextvars.bind_contextvars(actor=message.actor_name, message=message.message_id)

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: object = None,
        exception: BaseException | None = None,
    ) -> None:
        """Unbind: the thread's next message is another one."""
        structlog.contextvars.unbind_contextvars(*_NAMES)

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:
        """Unbind as after a message that ran."""
        structlog.contextvars.unbind_contextvars(*_NAMES)


class RetriesInPlace(Retries):
    """Leaves a failed message where it is, unacknowledged, for its consumer to give out again.

    dramatiq's own retry sends a copy and acknowledges the original: with Redis gone in
    between, the copy fails silently and the acknowledgement later succeeds. What a message
    carries here exists nowhere else.
    """

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: object = None,
        exception: BaseException | None = None,
    ) -> None:
        """Mark the message as not done; `EventsConsumer.nack` decides what follows."""
        if exception is not None:
            message.fail()
