"""Rate limits: so many requests a minute for each of a bounded number of names."""

from collections import OrderedDict
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final

from starlette.requests import Request

from workers.clock import Clock

WINDOW: Final = timedelta(minutes=1)
NAMES_MAX: Final = 20_000
"""Names remembered. Past it the one unseen for longest is forgotten, never the limit raised."""
ADDRESS_CHARS_MAX: Final = 64
"""Of what a proxy told that is no address: it takes no more memory than one."""

_NETWORK_BITS: Final = 64


class RateLimit:
    """Counts requests by name in windows of a minute. For one event loop."""

    def __init__(self, clock: Clock, most: int, *, names_max: int = NAMES_MAX) -> None:
        self._clock = clock
        self._most = most
        self._names_max = names_max
        self._seen: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def allows(self, name: str) -> bool:
        """Count a request, and tell whether it is within the limit."""
        now = self._clock.now()
        began, count = self._seen.get(name, (now, 0))
        if not timedelta() <= now - began < WINDOW:
            began, count = now, 0
        self._seen[name] = (began, count + 1)
        self._seen.move_to_end(name)
        if len(self._seen) > self._names_max:
            self._seen.popitem(last=False)
        return count < self._most


def visitor(request: Request) -> str:
    """Return the name under which a request's address is counted."""
    return address_name(request.client.host if request.client else "")


def address_name(address: str) -> str:
    """Return an address as it is counted: of IPv6 its network.

    Whoever has one address of IPv6 has the 2**64 of its network, and would pass any limit
    by taking the next one.

    >>> address_name("2001:db8:1:2:aaaa::1") == address_name("2001:db8:1:2:bbbb::9")
    True
    """
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:ADDRESS_CHARS_MAX]
    if not isinstance(ip, IPv6Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    network = int(ip) >> _NETWORK_BITS << _NETWORK_BITS
    return f"{IPv6Address(network)}/{_NETWORK_BITS}"
