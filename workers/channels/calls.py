"""Calls to a programme's endpoints: signed requests, known again by their idempotency key."""

import os
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import local
from time import monotonic
from typing import Protocol

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from workers.channels.base import ChannelError, Outcome, digest
from workers.channels.outbound import Outbound, Reply, Session
from workers.channels.webhook import check, headers_of
from workflows.signatures import SECRET_PREFIX

OK = 200
SESSIONS_MAX = 8
"""Endpoints that one thread keeps a connection with."""
SESSION_SECONDS_MAX = 30.0
"""How long a host is taken to be where it was found."""


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt of a call.

    Attributes:
        key: Names the call, the same on every attempt.
        endpoint: Its name in the programme.
        url: Its address, or `env:NAME`.
        secret: What signs it, or `env:NAME`; empty for none.
        body: JSON.
        at: The instant of this attempt, in UTC; it is signed with it.
    """

    key: str
    endpoint: str
    url: str = field(repr=False)
    secret: str = field(repr=False)
    body: bytes = field(repr=False)
    at: datetime


class CallError(ChannelError):
    """An attempt that did not succeed.

    Attributes:
        status: What the other side answered; 0 where there was no answer.
        reply: The whole answer, where there was one that matters.
        unknown: Whether the other side does not know whom or what we speak of.
    """

    def __init__(
        self,
        error: ChannelError,
        status: int = 0,
        reply: Reply | None = None,
        *,
        unknown: bool = False,
    ) -> None:
        super().__init__(
            str(error), outcome=error.outcome, hint=error.hint, retry_after=error.retry_after
        )
        self.status = status
        self.reply = reply
        self.unknown = unknown


class Caller(Protocol):
    """Makes calls."""

    def call(self, call: Call) -> int:
        """Make one attempt and return the status of success.

        Raises:
            CallError: It did not succeed; `refused` where nothing was sent and never will be.
        """

    def hang_up(self) -> None:
        """End the connections that this thread kept from call to call."""


class HttpCaller:
    """Makes calls over HTTP, to allow-listed hosts only, without following redirects.

    Args:
        outbound: What may be reached.
        secrets: Where `env:NAME` is looked up.
    """

    def __init__(self, outbound: Outbound, secrets: Mapping[str, str] | None = None) -> None:
        self._outbound = outbound
        self._secrets = os.environ if secrets is None else secrets
        self._threads = local()
        self._signers: dict[str, Webhook] = {}

    def call(self, call: Call) -> int:
        """Post the body once; anything but 2xx is an error with its status."""
        at = call.at.astimezone(UTC)
        headers = headers_of(self._signer(call), f"msg_{digest(call.key)}", at, call.body)
        try:
            reply = self._post(self._value(call.url), call.body, headers)
        except ChannelError as error:
            raise CallError(error) from error
        try:
            check(reply, now=at)
        except ChannelError as error:
            raise CallError(error, reply.status) from error
        return reply.status

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Post over this thread's session with an address, which saves a connection a call.

        One that failed is not used again, nor one that is old: the next asks anew what the
        address' name stands for.
        """
        kept = self._kept()
        session, since = kept.pop(url, (None, 0.0))
        if session is not None and monotonic() - since >= SESSION_SECONDS_MAX:
            session.close()
            session = None
        if session is None:
            session, since = self._outbound.session(url), monotonic()
        try:
            reply = session.post(body, headers)
        except ChannelError:
            session.close()
            raise
        kept[url] = session, since
        if len(kept) > SESSIONS_MAX:
            kept.popitem(last=False)[1][0].close()
        return reply

    def hang_up(self) -> None:
        """End the connections that this thread kept from call to call."""
        kept = self._kept()
        while kept:
            kept.popitem()[1][0].close()

    def _kept(self) -> OrderedDict[str, tuple[Session, float]]:
        """Return this thread's sessions by address, and since when; the last used stand last."""
        kept: OrderedDict[str, tuple[Session, float]]
        kept = self._threads.__dict__.setdefault("kept", OrderedDict())
        return kept

    def _signer(self, call: Call) -> Webhook | None:
        if not call.secret:
            return None
        secret = self._value(call.secret)
        if secret in self._signers:
            return self._signers[secret]
        try:
            self._signers[secret] = Webhook(secret)
        except (EmptyWebhookSecretError, ValueError):
            raise _unable("the secret of an endpoint cannot sign", "retry") from None
        return self._signers[secret]

    def _value(self, written: str) -> str:
        name = written.removeprefix(SECRET_PREFIX)
        found = written if name == written else self._secrets.get(name, "")
        if not found:
            raise _unable(f"{name} is not set", "retry")
        return found


class NoCaller:
    """Stands where nothing may be called."""

    def call(self, call: Call) -> int:
        """Leave the call for a process that makes some."""
        raise _unable("this process makes no calls", "retry")

    def hang_up(self) -> None:
        """Do nothing: nothing is kept."""


class FolderCaller:
    """Writes each call into a folder, and answers as a scenario says: for trials.

    Like an endpoint that honours idempotency keys it answers a call it took before as it did.

    Args:
        folder: Where a call's body is kept, once however often it is made.
        script: By endpoint the statuses of its attempts, in order; 0 is no answer. Then 200.
    """

    def __init__(self, folder: Path, script: Mapping[str, list[int]]) -> None:
        self._folder = folder
        self._script = {name: list(statuses) for name, statuses in script.items()}
        self._took: dict[str, int] = {}

    def call(self, call: Call) -> int:
        """Answer with the next status of the script."""
        if call.key in self._took:
            return self._took[call.key]
        left = self._script.get(call.endpoint, [])
        status = left.pop(0) if left else OK
        if not 200 <= status < 300:  # noqa: PLR2004 - statuses are known by their numbers
            outcome: Outcome = "retry" if status else "uncertain"
            said = ChannelError(f"the scenario says {status}", outcome=outcome)
            raise CallError(said, status)
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{call.endpoint}-{digest(call.key)[:12]}.json").write_bytes(call.body)
        self._took[call.key] = status
        return status

    def hang_up(self) -> None:
        """Do nothing: nothing is kept."""


def _unable(why: str, outcome: Outcome) -> CallError:
    return CallError(ChannelError(why, outcome=outcome, hint="`vouch doctor` says what is missing"))
