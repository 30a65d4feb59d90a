"""A folder instead of the world: for demonstrations, trials and development."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import getpid
from pathlib import Path
from threading import get_ident

from workers.channels.base import ChannelError, Parcel, Send, digest, message_id
from workers.channels.mime import compose

SLUG_CHARS_MAX = 80

_UNSAFE = re.compile(r"[^A-Za-z0-9_.]+")


class FolderChannel:
    """Writes each message into a file: `.eml` for mail, `.txt` for everything else.

    A file's name comes from the delivery's key, and it appears whole or not at all. So what
    was sent twice is there once, and the folder knows what was sent.
    """

    repeatable = True

    def __init__(self, folder: Path, *, name: str = "email", domain: str = "vouch.invalid") -> None:
        self.name = name
        self._folder = folder
        self._domain = domain

    @contextmanager
    def burst(self) -> Iterator[Send]:
        """Give a function that writes one file a parcel."""
        yield self._send

    def _send(self, parcel: Parcel) -> str:
        written = self._contents(parcel)
        path = self.path(parcel.key)
        draft = path.with_suffix(f".{getpid()}-{get_ident()}.part")
        try:
            if not path.exists():
                self._folder.mkdir(parents=True, exist_ok=True)
                draft.write_bytes(written)
                draft.replace(path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink()
            raise ChannelError(
                f"the folder takes no message: {type(error).__name__}", outcome="retry"
            ) from error
        return message_id(parcel.key, self._domain)

    def _contents(self, parcel: Parcel) -> bytes:
        if self.name == "email":
            return compose(parcel, domain=self._domain).data
        head = f"To: {parcel.address}\nFrom: {parcel.sender_name}\nDate: {parcel.at.isoformat()}\n"
        return f"{head}\n{parcel.text}\n".encode()

    def path(self, key: str) -> Path:
        """Return the file of a delivery: readable, and different for different keys."""
        slug = _UNSAFE.sub("-", key).strip("-.")[:SLUG_CHARS_MAX]
        suffix = "eml" if self.name == "email" else "txt"
        return self._folder / f"{slug}-{digest(key)[:12]}.{suffix}"

    def look_up(self, key: str) -> bool | None:
        """Tell whether the file is there; None if the folder cannot be read."""
        try:
            self.path(key).stat()
        except FileNotFoundError:
            return False
        except OSError:
            return None
        return True


class UnwrittenChannel(FolderChannel):
    """A folder that forgets: for trials of which only the facts are wanted."""

    def _send(self, parcel: Parcel) -> str:
        self._sent.add(parcel.key)
        return message_id(parcel.key, self._domain)

    def __init__(self, folder: Path, *, name: str = "email", domain: str = "vouch.invalid") -> None:
        super().__init__(folder, name=name, domain=domain)
        self._sent: set[str] = set()

    def look_up(self, key: str) -> bool | None:
        """Tell whether it was sent."""
        return key in self._sent
