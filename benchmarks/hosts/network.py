"""Hosts of our own on one machine: network namespaces on one switch, whose wires can be cut.

The switch is a namespace like the hosts, so nothing of it touches the machine's own network,
and no packet leaves it. It takes root and the program `ip` (Debian's iproute2).
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from benchmarks.processes import BenchError

_NAMED = Path("/run/netns")
_PREFIX = "vouch"
_SUBNET = "10.77.0"
_SWITCH = "switch"
HOSTS_MAX = 250


class NoNetworkError(BenchError):
    """This machine gives us no network namespaces."""

    code = "no-network-namespaces"


class Network:
    """A switch and the hosts on it, named by whoever made it.

    Args:
        names: The hosts, in order of their addresses.
        owner: The process that makes and unmakes it; another may use it meanwhile.
    """

    def __init__(self, names: Sequence[str], owner: int) -> None:
        if len(names) > HOSTS_MAX:
            raise BenchError(f"at most {HOSTS_MAX} hosts fit on the switch")
        self._numbers = {name: number for number, name in enumerate(names, start=1)}
        self._owner = owner

    def __enter__(self) -> Self:
        """Make it.

        Raises:
            NoNetworkError: The rights or the program for it are missing.
        """
        if os.geteuid() != 0 or shutil.which("ip") is None:
            raise NoNetworkError(
                "several hosts take root and the program ip",
                hint="run it as root, and apt-get install iproute2",
            )
        _sweep()
        try:
            self._make()
        except BaseException:  # an interruption too: what was made is taken down
            self._unmake()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._unmake()

    def address(self, name: str) -> str:
        """Return the address of a host."""
        return f"{_SUBNET}.{self._numbers[name]}"

    def on(self, name: str) -> list[str]:
        """Return the words before a command that is to run on a host."""
        return ["ip", "netns", "exec", self._space(name)]

    def unplug(self, name: str) -> None:
        """Pull a host's wire out of the switch: what is under way is lost."""
        self._wire(name, "down")

    def plug(self, name: str) -> None:
        """Put it back."""
        self._wire(name, "up")

    def silence(self, name: str, towards: str) -> None:
        """Lose whatever one host sends to another; the other way everything arrives."""
        self._route("replace", name, towards)

    def unsilence(self, name: str, towards: str) -> None:
        """Let it through again."""
        self._route("del", name, towards)

    def unsent(self, name: str, port: int) -> int:
        """Return how many bytes a host has sent to a port, and nobody has taken yet."""
        done = subprocess.run(
            [*self.on(name), "cat", "/proc/net/tcp"], check=True, capture_output=True, text=True
        )
        lines = [line.split() for line in done.stdout.splitlines()[1:]]
        towards = [line[4] for line in lines if int(line[2].partition(":")[2], 16) == port]
        return sum(int(queues.partition(":")[0], 16) for queues in towards)

    def _space(self, name: str) -> str:
        return f"{_PREFIX}{self._owner}-{name}"

    def _wire(self, name: str, state: str) -> None:
        _ip("-n", self._space(_SWITCH), "link", "set", f"to-{self._numbers[name]}", state)

    def _route(self, verb: str, name: str, towards: str) -> None:
        there = f"{self.address(towards)}/32"
        _ip("-n", self._space(name), "route", verb, "blackhole", there)

    def _make(self) -> None:
        switch = self._space(_SWITCH)
        _ip("netns", "add", switch)
        _ip("-n", switch, "link", "add", "bridge", "type", "bridge")
        _ip("-n", switch, "link", "set", "bridge", "up")
        for name, number in self._numbers.items():
            host, plug = self._space(name), f"to-{number}"
            _ip("netns", "add", host)
            pair = ["type", "veth", "peer", "name", "eth0", "netns", host]
            _ip("-n", switch, "link", "add", "name", plug, *pair)
            _ip("-n", switch, "link", "set", plug, "master", "bridge", "up")
            _ip("-n", host, "link", "set", "lo", "up")
            _ip("-n", host, "address", "add", f"{self.address(name)}/24", "dev", "eth0")
            _ip("-n", host, "link", "set", "eth0", "up")

    def _unmake(self) -> None:
        for name in (*self._numbers, _SWITCH):
            if (_NAMED / self._space(name)).exists():
                _ip("netns", "del", self._space(name))


def _sweep() -> None:
    """Take away what was left by processes that were killed."""
    if not _NAMED.is_dir():
        return
    for each in _NAMED.glob(f"{_PREFIX}*-*"):
        owner = each.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdecimal() and not Path("/proc", owner).exists():
            with suppress(NoNetworkError):  # somebody else sweeps as well
                _ip("netns", "del", each.name)


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], check=False, capture_output=True, text=True)  # noqa: S607
    if done.returncode != 0:
        raise NoNetworkError(f"ip {' '.join(words[:6])} failed", hint=done.stderr.strip()[-300:])
