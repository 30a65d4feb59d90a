"""The composition root: an App as the settings say, with its channels and its queue."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from store.db import Store
from workers.app import App
from workers.channels.base import Channel
from workers.channels.email import EmailChannel
from workers.channels.folder import FolderChannel
from workers.clock import SystemClock
from workers.letters import Desk
from workers.queue.queue import Queue
from workers.settings import Settings
from workers.tokens import Tokens


@dataclass(slots=True)
class Process:
    """What one process holds: close it when it ends."""

    settings: Settings
    app: App
    queue: Queue

    def close(self) -> None:
        """Stop the queue and close the database."""
        self.queue.stop()
        self.app.store.close()


def open_store(settings: Settings) -> Store:
    """Return the store of the settings; nothing is connected yet."""
    return Store.open(sqlalchemy_url(settings.database_url))


def sqlalchemy_url(url: str) -> str:
    """Return a database address with the driver we use."""
    if url.startswith("postgresql://"):
        return url.replace("postgresql://", "postgresql+psycopg://", 1)
    return url


def channels_of(settings: Settings) -> dict[str, Channel]:
    """Return the channels that the settings name; a folder takes everything where one is set."""
    if settings.mail_folder is not None:
        folder = Path(settings.mail_folder)
        return {name: FolderChannel(folder, name=name) for name in ("email", "sms")}
    if settings.smtp_url:
        return {"email": EmailChannel(settings.smtp_url)}
    return {}


def open_process(settings: Settings) -> Process:
    """Return an App on the settings' database, its bell connected to the settings' queue.

    Raises:
        SettingsError: A setting that is needed is missing.
    """
    desk = Desk(Tokens(settings.signing_keys()), settings.base_url, settings.mail_from)
    app = App(
        open_store(settings),
        SystemClock(),
        desk,
        channels_of(settings),
        token=lambda: secrets.token_hex(16),
        inbox_max=settings.inbox_max,
    )
    queue = Queue.open(settings.redis_url or None, app)
    app.bell = queue
    return Process(settings, app, queue)
