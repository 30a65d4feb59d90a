"""HTTP to the outside, for addresses that programmes and settings name.

Only to hosts on a list, never to what a name resolves to inside our own network, and without
following anyone anywhere: an address is data, and data must not reach what it cannot see.
"""

import ipaddress
import socket
import ssl
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit

import certifi

from workers.channels.base import ChannelError
from workers.channels.http1 import BODY_BYTES_MAX, Line, Place
from workers.channels.watchdog import Watchdog

TIMEOUT_SECONDS = 10.0
STEPS_MAX = 3
"""How many timeouts a request may take as a whole, however many steps it has."""
RESPONSE_BYTES_MAX = BODY_BYTES_MAX
URL_CHARS_MAX = 2_000

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")

_KEPT = "%/:?#[]@!$&'()*+,;=-._~"
"""What stands in an address as it is; the rest is written as %XX."""

Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes:
        status: The HTTP status.
        body: At most `RESPONSE_BYTES_MAX` bytes of it, as they came.
        retry_after: The header of that name, empty if there is none.
    """

    status: int
    body: bytes
    retry_after: str


class Outbound:
    """What may be reached.

    Args:
        hosts: Names of hosts, exactly as addresses have them.
        allow_private: Also addresses of our own network and plain HTTP, for a gateway that
            stands beside us.
        timeout: Seconds to wait for each step of a request; it may take `STEPS_MAX` of them.
        resolve: Finds addresses; the system's way by default.
    """

    def __init__(
        self,
        hosts: Collection[str],
        *,
        allow_private: bool = False,
        timeout: float = TIMEOUT_SECONDS,
        resolve: Resolve | None = None,
    ) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._allow_private = allow_private
        self._resolve = resolve or resolve_host
        self.timeout = timeout
        self.watchdog = Watchdog()
        self.tls = trust()

    def allows(self, host: str) -> bool:
        """Tell whether a host is on the list, by itself or below a `*.` of it."""
        _, *above = host.split(".")
        parents = (".".join(above[start:]) for start in range(len(above)))
        return host in self._hosts or any(f"*.{parent}" in self._hosts for parent in parents)

    def session(self, url: str) -> "Session":
        """Return a session with the host of an address; nothing is connected or checked yet."""
        return Session(self, url)

    def pin(self, url: str) -> "Pin":
        """Resolve an address once and say where exactly to connect.

        Raises:
            ChannelError: `refused` if it may not be reached, `retry` if nobody knows it.
        """
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            raise _refused("is no address") from None
        schemes = ("https", "http") if self._allow_private else ("https",)
        if len(url) > URL_CHARS_MAX or not url.isascii() or parts.scheme not in schemes:
            raise _refused(
                f"does not begin with {' or '.join(schemes)}://, is too long or not ASCII"
            )
        if parts.username is not None or parts.password is not None:
            raise _refused("holds a password")
        if not self.allows(host):
            raise _refused("is on a host that is not on the list of allowed hosts")
        try:
            found = self._resolve(host, port or _port(parts.scheme))
        except (OSError, UnicodeError):
            found = ()
        if not found:
            raise ChannelError("the web address' host has no address", outcome="retry")
        if not self._allow_private and not all(is_public(address) for address in found):
            raise _refused("leads into a private network")
        address = f"[{found[0]}]" if ":" in found[0] else found[0]
        netloc = address if port is None else f"{address}:{port}"
        return Pin(
            url=parts._replace(netloc=netloc, fragment="").geturl(),
            host=host,
            header=parts.netloc,
        )


@dataclass(frozen=True, slots=True)
class Pin:
    """An address whose host is a number, and the name it stands for."""

    url: str
    host: str
    header: str


class Session:
    """Requests to one address over one connection, resolved once: a name cannot turn midway."""

    def __init__(self, outbound: Outbound, url: str) -> None:
        self._outbound = outbound
        self._url = url
        self._target = ""
        self._headers: dict[str, str] = {}
        self._line: Line | None = None

    def post(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send a body and return the answer, whatever its status; raises like `request`."""
        return self.request("POST", body, headers)

    def request(self, method: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Make a request and return the answer, whatever its status.

        Raises:
            ChannelError: `refused` or `retry` if nothing was sent, `uncertain` if something
                was and no answer came.
        """
        line = self._line = self._line or self._to(self._outbound.pin(self._url))
        with self._outbound.watchdog.watching(STEPS_MAX * self._outbound.timeout) as watched:
            line.open(watched.use)
            answer = line.request(method, self._target, {**self._headers, **headers}, body)
        return Reply(answer.status, answer.body, answer.headers.get("retry-after", ""))

    def _to(self, pin: Pin) -> Line:
        parts = urlsplit(pin.url)
        self._target = quote(parts.path or "/", safe=_KEPT)
        if parts.query:
            self._target += f"?{quote(parts.query, safe=_KEPT)}"
        self._headers = {"Host": pin.header, "Accept": "*/*", "Accept-Encoding": "identity",
                         "User-Agent": "Vouch"}  # fmt: skip
        place = Place(
            address=parts.hostname or "",
            port=parts.port or _port(parts.scheme),
            name=pin.host,  # the certificate is checked against the name, not against the number
            tls=self._outbound.tls if parts.scheme == "https" else None,
        )
        return Line(place, self._outbound.timeout)

    def close(self) -> None:
        """End the connection."""
        if self._line is not None:
            self._line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def trust() -> ssl.SSLContext:
    """Return what checks certificates: against the system's list, or one we bring along."""
    paths = ssl.get_default_verify_paths()
    known = paths.cafile or paths.capath
    return ssl.create_default_context(cafile=None if known else certifi.where())


def resolve_host(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, in the system's order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def is_public(address: str) -> bool:
    """Tell whether an address is out in the Internet, also when it wraps another one.

    >>> is_public("8.8.8.8"), is_public("169.254.169.254"), is_public("64:ff9b::7f00:1")
    (True, False, False)
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        wrapped = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64 or ip in _COMPATIBLE:
            wrapped = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if ip.teredo:
            return False
        if wrapped is not None:
            return is_public(str(wrapped))
    return ip.is_global and not ip.is_multicast


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _refused(why: str) -> ChannelError:
    return ChannelError(f"the web address {why}", outcome="refused")
