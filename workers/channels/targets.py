"""Where syncs go: a mail tool or a CRM by its own interface, or whoever takes signed webhooks.

`VOUCH_SYNC_NAME` is the address of the target NAME, `VOUCH_SYNC_NAME_SECRET` its key. What the
address begins with says who is there: `mailchimp://`, `campaignmonitor://`, `pipedrive://`, or
`webhook://`. They speak https; with `+http` behind it, plain http to a gateway beside us.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

import orjson

from workers.channels.base import ChannelError, digest
from workers.channels.calls import OK, CallError
from workers.channels.outbound import Outbound, Reply
from workers.channels.webhook import check
from workflows.state import Doc
from workflows.syncs import Side

VARIABLE = "VOUCH_SYNC_"
_MAY_MEND = frozenset((401, 403))


@dataclass(frozen=True, slots=True)
class Person:
    """By what another system may know somebody; what we do not know is empty."""

    id: str
    name: str = field(default="", repr=False)
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    company: str = field(default="", repr=False)

    @classmethod
    def of(cls, doc: Doc, name: str) -> "Person":
        """Return a contact as other systems may know it."""
        rest = ("name", "first_name", "last_name", "email", "phone", "company")
        return cls(str(doc.get("id") or name), *(str(doc.get(each) or "") for each in rest))


@dataclass(frozen=True, slots=True)
class Update:
    """What another system is told of one contact, or of one lead.

    Attributes:
        key: Names the row, the same on every attempt, whatever it says by then.
        number: Counts the rows of one contact and target: the higher, the newer.
        target: The target's name in the programme.
        side: Whether the fields are about a contact or a lead.
        person: Who it is.
        fields: All fields of the target, as JSON has them.
        at: The instant of this attempt, in UTC.
    """

    key: str
    number: int
    target: str
    side: Side
    person: Person = field(repr=False)
    fields: Mapping[str, Any] = field(repr=False)
    at: datetime

    def body(self) -> bytes:
        """Return the update as the JSON that webhooks carry."""
        told = {"id": self.person.id, "email": self.person.email}
        if self.side == "lead":
            told |= {"name": self.person.name, "phone": self.person.phone,
                     "company": self.person.company}  # fmt: skip
        data = {"target": self.target, "number": self.number, self.side: told,
                "fields": self.fields}  # fmt: skip
        return orjson.dumps({"type": f"{self.side}.synced", "timestamp": self.at, "data": data})


class TargetMissingError(ChannelError):
    """Nobody said yet where a target is: what is for it waits."""

    code = "target-missing"


class Targets(Protocol):
    """Takes updates, and brings each to its target."""

    def send(self, update: Update) -> int:
        """Tell the target and return the status of success.

        Raises:
            TargetMissingError: Its address or its secret is not set.
            CallError: It did not succeed; `refused` where another time would not go better.
        """


class Target(Protocol):
    """One kind of system, by its own interface."""

    def send(self, update: Update) -> int:
        """Tell it once; see `Targets`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a target is, and how it is spoken to.

    Attributes:
        origin: Scheme and host: `https://us21.api.mailchimp.com`.
        path: What the address names there: a list, a folder; without slashes around it.
        secret: Its key.
    """

    outbound: Outbound
    origin: str
    path: str
    secret: str = field(repr=False)

    def ask(
        self,
        update: Update,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: object = None,
    ) -> Reply:
        """Make one request and return its answer; `path` begins with a slash.

        Raises:
            CallError: No answer, or one that is not 2xx; `CallError.reply` has it then.
        """
        sent = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
        try:
            with self.outbound.session(f"{self.origin}{path}") as session:
                reply = session.request(method, sent, headers)
        except ChannelError as error:
            raise CallError(error) from error
        try:
            check(reply, now=update.at)
        except ChannelError as error:
            if reply.status in _MAY_MEND:  # a key that is being changed
                error.outcome = "retry"
            raise CallError(error, reply.status, reply) from error
        return reply


def json_of(reply: Reply | None) -> Any:  # noqa: ANN401
    """Return what an answer says, None if it is no JSON."""
    try:
        return orjson.loads(reply.body) if reply else None
    except orjson.JSONDecodeError:
        return None


def unknown_there(what: str) -> CallError:
    """Return the error that the other side does not know whom we speak of."""
    return CallError(ChannelError(f"{what} is not known there", outcome="refused"), unknown=True)


def variable_of(target: str) -> str:
    """Return the variable that holds a target's address.

    >>> variable_of("campaign-monitor")
    'VOUCH_SYNC_CAMPAIGN_MONITOR'
    """
    return VARIABLE + "".join(c if c.isalnum() else "_" for c in target).upper()


class HttpTargets:
    """Speaks to targets over HTTP, to allow-listed hosts only.

    Args:
        outbound: What may be reached.
        environ: Where addresses and secrets are looked up.
    """

    def __init__(self, outbound: Outbound, environ: Mapping[str, str] | None = None) -> None:
        self._outbound = outbound
        self._environ = os.environ if environ is None else environ

    def send(self, update: Update) -> int:
        """Tell the target that the update names."""
        variable = variable_of(update.target)
        address, secret = (self._environ.get(f"{variable}{end}", "") for end in ("", "_SECRET"))
        if not address:
            raise _unset(variable)
        if not secret:
            raise _unset(f"{variable}_SECRET")
        return target_of(self._outbound, variable, address, secret).send(update)


def target_of(outbound: Outbound, variable: str, address: str, secret: str) -> Target:
    """Return what speaks to the system at an address.

    Raises:
        TargetMissingError: The address names none.
    """
    # Imported when one is spoken to: most processes never do.
    from workers.channels.crms import Pipedrive, WebhookTarget  # noqa: PLC0415
    from workers.channels.mailtools import CampaignMonitor, Mailchimp  # noqa: PLC0415

    kinds: Mapping[str, Callable[[Place], Target]] = {
        "mailchimp": Mailchimp,
        "campaignmonitor": CampaignMonitor,
        "pipedrive": Pipedrive,
        "webhook": WebhookTarget,
    }
    parts = _split(address)
    kind, _, scheme = parts.scheme.partition("+")
    if kind not in kinds or scheme not in ("", "http") or not parts.hostname:
        said = f"{variable} begins with none of {', '.join(f'{name}://' for name in kinds)}"
        raise TargetMissingError(said, outcome="retry")
    place = Place(outbound, f"{scheme or 'https'}://{parts.netloc}", parts.path.strip("/"), secret)
    return kinds[kind](place)


def host_of(address: str) -> str:
    """Return the host of a target's address; '' if it has none."""
    return (_split(address).hostname or "").lower()


def _split(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def _unset(variable: str) -> TargetMissingError:
    hint = "`vouch doctor` says what is missing"
    return TargetMissingError(f"{variable} is not set", outcome="retry", hint=hint)


class NoTargets:
    """Stands where nothing may be told."""

    def send(self, update: Update) -> int:
        """Leave it waiting."""
        raise TargetMissingError("this process tells nobody", outcome="retry")


class FolderTargets:
    """Writes each update into a folder, and answers as a scenario says: for trials.

    Args:
        folder: Where updates are kept, by target.
        script: By target the statuses of its attempts, in order; 0 is no answer. Then 200.
    """

    def __init__(self, folder: Path, script: Mapping[str, list[int]]) -> None:
        self._folder = folder
        self._script = {name: list(statuses) for name, statuses in script.items()}
        self._took: set[str] = set()

    def send(self, update: Update) -> int:
        """Answer with the next status of the script; of what was taken, as it was."""
        mark = digest(f"{update.key}/{orjson.dumps(dict(update.fields)).decode()}")
        if mark in self._took:
            return OK
        left = self._script.get(update.target, [])
        status = left.pop(0) if left else OK
        if not 200 <= status < 300:  # noqa: PLR2004 - statuses are known by their numbers
            check_as = Reply(status or 503, b"", "")
            try:
                check(check_as, now=update.at)
            except ChannelError as error:
                raise CallError(error, status) from error
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{update.target}-{mark[:12]}.json").write_bytes(update.body())
        self._took.add(mark)
        return status
