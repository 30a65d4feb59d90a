"""The texts of settings as values; a ValueError says what one must be."""

import re
from collections.abc import Callable
from email.utils import getaddresses
from ipaddress import ip_network
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import SplitResult, urlsplit

from workers.tokens import KEY_BYTES_MIN

SECRET_KEYS_MAX: Final = 10
PORT_MAX: Final = 65_535
T = TypeVar("T")

_HOST = re.compile(r"(?:\*\.)?[A-Za-z0-9_.:\[\]-]+|\*", re.ASCII)


def database(text: str) -> str:
    """Return the address of a database, Postgres by its long name."""
    scheme = urlsplit(text).scheme
    if not scheme.startswith(("sqlite", "postgresql", "postgres")):
        msg = "must be the address of an SQLite file or a Postgres database"
        raise ValueError(msg)
    return text.replace("postgres://", "postgresql://", 1) if scheme == "postgres" else text


def redis(text: str) -> str:
    """Return the address of a Redis or Valkey, or '' for none."""
    parts = _parts(text)
    if text and parts.scheme not in {"redis", "rediss", "unix"}:
        msg = "must be the address of a Redis or Valkey"
        raise ValueError(msg)
    # The client reads any other path as number 0: somebody else's database, in silence.
    if parts.scheme.startswith("redis") and not re.fullmatch(r"(/[0-9]*)?", parts.path):
        msg = "its database must be a number"
        raise ValueError(msg)
    return text


def keys(text: str) -> tuple[bytes, ...]:
    """Return keys, separated by commas, each long enough to sign with."""
    keys = tuple(part.strip().encode() for part in text.split(",") if part.strip())
    if any(len(key) < KEY_BYTES_MIN for key in keys):
        msg = f"each key needs at least {KEY_BYTES_MIN} bytes"
        raise ValueError(msg)
    if len(keys) > SECRET_KEYS_MAX:
        msg = f"at most {SECRET_KEYS_MAX} keys"
        raise ValueError(msg)
    return keys


def path(text: str) -> Path | None:
    """Return a path, None where there is none."""
    return Path(text) if text else None


def smtp(text: str) -> str:
    """Return the address of a mail server, or '' for none."""
    parts = _parts(text)
    if text and (parts.scheme not in {"smtp", "smtps"} or not parts.hostname):
        msg = "must be the address of a mail server"
        raise ValueError(msg)
    return text


def base(text: str) -> str:
    """Return a web address that paths can be put behind."""
    parts = _parts(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        msg = "must be a web address without query"
        raise ValueError(msg)
    return text.rstrip("/")


def https(text: str) -> str:
    """Return an https address, or '' for none."""
    parts = _parts(text)
    if text and (parts.scheme != "https" or not parts.hostname):
        msg = "must be an https address"
        raise ValueError(msg)
    return text


def yes(text: str) -> bool:
    """Tell whether it says yes."""
    if text not in {"yes", "no"}:
        msg = "must be yes or no"
        raise ValueError(msg)
    return text == "yes"


def bind(text: str) -> tuple[str, int]:
    """Return the host and the port of `HOST:PORT`."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > PORT_MAX:
        msg = "must be HOST:PORT"
        raise ValueError(msg)
    return host.strip("[]"), int(port)


def one_of(*known: str) -> Callable[[str], str]:
    """Return a reader that takes these words and no other."""

    def read(text: str) -> str:
        if text not in known:
            msg = f"must be {' or '.join(known)}"
            raise ValueError(msg)
        return text

    return read


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers within bounds."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
            msg = f"must be a whole number from {least} to {most}"
            raise ValueError(msg)
        return int(text)

    return read


def perhaps(reader: Callable[[str], T]) -> Callable[[str], T | None]:
    """Return a reader that gives None where nothing is said."""
    return lambda text: reader(text) if text else None


def hosts(text: str) -> tuple[str, ...]:
    """Return host names, separated by commas; `*.` before one means all below it."""
    hosts = tuple(part.strip() for part in text.split(",") if part.strip())
    for host in hosts:
        if not _HOST.fullmatch(host):
            msg = f"{host!r} is no host name"
            raise ValueError(msg)
    return hosts


def text(text: str) -> str:
    """Return one line of text."""
    if "\n" in text or "\r" in text:
        msg = "must be one line"
        raise ValueError(msg)
    return text


def sender(text: str) -> str:
    """Return the sender of mails: an address, with or without a name before it in `<>`."""
    found = [address for _, address in getaddresses([text] if text.isprintable() else [])]
    name, _, domain = found[0].rpartition("@") if len(found) == 1 else ("", "", "")
    # What is read of `a@b c.d` is not what stands there.
    if not (name and domain and found[0] in text):
        msg = "must be one mail address, with or without a name"
        raise ValueError(msg)
    return text


def proxies(text: str) -> str:
    """Return addresses and networks, separated by commas; `*` alone is whoever connects."""
    for part in [] if text == "*" else [part.strip() for part in text.split(",")]:
        try:
            ip_network(part)
        except ValueError:
            msg = f"{part!r} is no address of a machine or a network"
            raise ValueError(msg) from None
    return text


def _parts(text: str) -> SplitResult:
    """Return the parts of an address; what cannot be a port is refused here, not when dialling."""
    parts = urlsplit(text)
    try:
        _ = parts.port
    except ValueError:
        msg = f"its port must be a whole number up to {PORT_MAX}"
        raise ValueError(msg) from None
    return parts
