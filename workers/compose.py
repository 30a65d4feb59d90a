"""The composition root: an App as the settings say, with its channels and its queue."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from events.errors import VouchError
from store.db import IDLE_SECONDS_MAX, Store
from workers.app import App
from workers.channels.base import Channel
from workers.channels.calls import HttpCaller
from workers.channels.email import EmailChannel
from workers.channels.folder import FolderChannel
from workers.channels.outbound import Outbound
from workers.channels.sms import SmsChannel
from workers.channels.targets import HttpTargets
from workers.clock import SystemClock
from workers.keeping import Keeper
from workers.letters import Desk
from workers.queue.queue import Queue
from workers.settings import Settings
from workers.tokens import Purpose, Tokens


class SchemaError(VouchError):
    """The database has no tables yet, or those of another version."""

    code = "schema"


@dataclass(slots=True)
class Process:
    """What one process holds: close it when it ends."""

    settings: Settings
    app: App
    queue: Queue

    def close(self) -> bool:
        """Stop the queue and close the database; tell whether all that ran had ended."""
        finished = self.queue.stop()
        self.app.close()
        return finished


class Keyless(Tokens):
    """Stands where operators work: they sign nothing, and need no key.

    Whoever signs or reads a link all the same gets the error about the key that is missing.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def sign(self, purpose: Purpose, *parts: str) -> str:
        """Raise a `SettingsError`."""
        self._refuse()

    def open(self, token: str) -> tuple[Purpose, tuple[str, ...]]:
        """Raise a `SettingsError`."""
        self._refuse()

    def fingerprints(self, text: str) -> tuple[str, ...]:
        """Raise a `SettingsError`."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        self._settings.signing_keys()
        raise SchemaError("this process was opened without its keys")


def open_store(settings: Settings) -> Store:
    """Return the store of the settings; nothing is connected yet."""
    idle_seconds = min(settings.lease_seconds, IDLE_SECONDS_MAX)
    return Store.open(settings.database_url, idle_seconds=idle_seconds)


def database_file(settings: Settings) -> Path | None:
    """Return the SQLite file of the settings; None if they name another database."""
    parts = urlsplit(settings.database_url)
    return Path(parts.path[1:]) if parts.scheme.startswith("sqlite") else None


def require_schema(store: Store, settings: Settings) -> None:
    """Return if the database has the schema that this version works on.

    Raises:
        SchemaError: It has none, or another one; a missing SQLite file is not made.
        DatabaseUnavailableError: It cannot be reached.
    """
    file = database_file(settings)
    if file is not None and not file.exists():
        raise SchemaError(f"there is no database {file} yet", hint="make it: vouch migrate")
    state = store.schema_state()
    if state.is_current:
        return
    if state.current is None:
        raise SchemaError("the database is empty", hint="make its tables: vouch migrate")
    require_not_newer(store)
    raise SchemaError(
        f"the database's schema is {state.current}, this version needs {state.head}",
        hint="bring it up to date: vouch migrate",
    )


def require_not_newer(store: Store) -> None:
    """Return if no later version than this one has migrated the database.

    Raises:
        SchemaError: One has: this one knows no way back.
        DatabaseUnavailableError: It cannot be reached.
    """
    state = store.schema_state()
    if state.is_newer:
        raise SchemaError(
            f"the database's schema is {state.current}, newer than this version's {state.head}",
            hint="start the version that migrated it; those that run already may go on",
        )


def channels_of(settings: Settings) -> dict[str, Channel]:
    """Return the channels that the settings name; a folder takes everything where one is set."""
    if settings.mail_folder is not None:
        folder = Path(settings.mail_folder)
        return {name: FolderChannel(folder, name=name) for name in ("email", "sms")}
    channels: dict[str, Channel] = {}
    if settings.smtp_url:
        channels["email"] = EmailChannel(settings.smtp_url, domain=mail_domain(settings))
    if settings.sms_url:
        channels["sms"] = SmsChannel(settings.sms_url, secret=settings.sms_secret,
                                     outbound=outbound_of(settings))  # fmt: skip
    return channels


def outbound_of(settings: Settings) -> Outbound:
    """Return what HTTP may reach: the hosts on the list, in our own network if allowed."""
    return Outbound(settings.allowed_hosts, allow_private=settings.allow_private)


def mail_domain(settings: Settings) -> str:
    """Return the domain of Message-IDs: the sender's, the same whoever signs a mail.

    Empty for a sender without a domain in ASCII, so that the channel takes each mail's own.
    """
    domain = settings.mail_from.rstrip("> ").rpartition("@")[2]
    return domain if domain.isascii() and domain.replace("-", "").replace(".", "").isalnum() else ""


def open_process(settings: Settings, *, signs: bool = True) -> Process:
    """Return an App on the settings' database, its bell connected to the settings' queue.

    A process that neither sends nor serves links does not sign, and needs no key.

    Raises:
        SettingsError: A setting that is needed is missing.
    """
    tokens = Tokens(settings.signing_keys()) if signs else Keyless(settings)
    app = App(
        open_store(settings),
        SystemClock(),
        Desk(tokens, settings.base_url, settings.mail_from),
        channels_of(settings),
        token=lambda: secrets.token_hex(16),
        inbox_max=settings.inbox_max,
        lease=timedelta(seconds=settings.lease_seconds),
    )
    app.deliverer.calls.caller = HttpCaller(outbound_of(settings))
    app.deliverer.syncs.targets = HttpTargets(outbound_of(settings))
    app.keeper = Keeper(app.store, app.clock, settings.keeps)
    queue = Queue.open(settings.redis_url or None, app)
    app.bell = queue
    return Process(settings, app, queue)
