"""Lines: one a channel from burst to burst, ended by whatever goes wrong."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from workers.channels.base import Parcel
from workers.lines import Lines


class Wire:
    """A channel that counts who picks it up and who hangs up."""

    name = "wire"
    repeatable = False

    def __init__(self) -> None:
        self.opened = self.closed = 0

    @contextmanager
    def burst(self) -> Iterator[Callable[[Parcel], str]]:
        """Give a sender."""
        self.opened += 1
        yield lambda parcel: parcel.key
        self.closed += 1

    def look_up(self, key: str) -> bool | None:
        """Nobody can tell."""
        return None


def test_a_line_stands_from_burst_to_burst() -> None:
    """It is opened when it is first used, and ended at the end."""
    used, unused = Wire(), Wire()
    with Lines({"used": used, "unused": unused}) as lines:
        assert lines.to("used") is lines.to("used")
        assert (used.opened, used.closed) == (1, 0)

    assert (used.opened, used.closed) == (1, 1)
    assert unused.opened == 0


def test_a_line_that_failed_is_opened_anew() -> None:
    """Whoever hangs up gets a new line; hanging up twice is no error."""
    wire = Wire()
    with Lines({"wire": wire}) as lines:
        lines.to("wire")
        lines.hang_up("wire")
        lines.hang_up("wire")
        lines.to("wire")

    assert (wire.opened, wire.closed) == (2, 2)
