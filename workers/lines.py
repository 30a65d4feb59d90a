"""Lines to the other side, kept from burst to burst: a connection costs more than a mail.

A line belongs to one thread and to one round of delivering; whatever went wrong on it ends it,
so that the next burst begins in order and asks anew a server that was away.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from workers.channels.base import Channel, Send


class Lines:
    """At most one line a channel, opened when it is first used."""

    def __init__(self, channels: Mapping[str, Channel]) -> None:
        self._channels = channels
        self._open: dict[str, tuple[ExitStack, Send]] = {}

    def to(self, name: str) -> Send:
        """Return what sends by a channel, over the line that stands or a new one."""
        if name not in self._open:
            stack = ExitStack()
            self._open[name] = stack, stack.enter_context(self._channels[name].burst())
        return self._open[name][1]

    def hang_up(self, name: str) -> None:
        """End a channel's line, if there is one."""
        if name in self._open:
            self._open.pop(name)[0].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in list(self._open):
            self.hang_up(name)
