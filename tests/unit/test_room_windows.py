"""Who finds room is what its definition says, however the windows are counted; and it is quick."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from workflows.domain import room
from workflows.domain.room import Order, Win, fitting

DAY = timedelta(days=1)
START = datetime(2027, 1, 1, tzinfo=UTC)
SPANS = (5 * DAY, 12 * DAY)


def _together(one: str, other: str) -> datetime:
    return START + (5 + 3 * len({one, other} & {"x", "y"})) * DAY


def _sees(one: Win, other: Win) -> bool:
    return one.of == other.of or one.at >= _together(one.of, other.of)


def _held(end: Win, placed: list[Win], limit: int) -> int:
    at = end.spans[limit][0]
    return sum(
        win.amount
        for win in placed
        if win.spans[limit][0] <= at < win.spans[limit][1]
        and (win.until is None or win.until > end.at)
        and _sees(end, win)
    )


def _since(win: Win, placed: list[Win], limit: int) -> list[Win]:
    start, gone = win.spans[limit]
    return [
        end for end in placed
        if end.given and end.until is None
        and start < end.spans[limit][0] < gone and _sees(end, win)
    ]  # fmt: skip


def _defined(wins: list[Win], most: list[int], since: Order | None, known: set[str]) -> set[str]:
    """Return who has room, summed up anew for every window that somebody asks for."""
    placed = [win for win in wins if win.given]
    found = {win.name for win in placed}
    for win in sorted((win for win in wins if not win.given), key=lambda win: win.order):
        has_room = all(
            win.amount + _held(end, placed, limit) <= max_
            for limit, max_ in enumerate(most)
            for end in [win, *([] if win.until else _since(win, placed, limit))]
        )
        if win.name in known if since is not None and win.order < since else has_room:
            found.add(win.name)
            placed += [win] if win.counts else []
    return found


def _wins(random: Random) -> list[Win]:
    """Return wins of several records, on whole hours so that windows meet at their edges."""
    found = []
    for number in range(random.randint(1, 9)):
        at = START + timedelta(hours=4 * random.randint(0, 120))
        until = at + timedelta(hours=4 * random.randint(-3, 40)) if random.random() < 0.3 else None
        found.append(Win(
            f"w{number}", (at, random.choice("tu"), random.choice("ab")),
            random.choice([50, 100, 150]), tuple((at, at + span) for span in SPANS),
            given=random.random() < 0.3, until=until, counts=random.random() < 0.85,
            of=random.choice(["", "", "x", "y"]),
        ))  # fmt: skip
    for day in range(random.choice([0, 0, 4])):  # what is free at a budget, by day
        at = START + 3 * day * DAY
        spans = tuple((at, at + span) for span in SPANS)
        found.append(Win("", (at + DAY, "", ""), 100, spans, given=True))
    return found


@pytest.mark.parametrize("seed", range(20))
def test_windows_hold_what_their_definition_says(seed: int) -> None:
    """Of wins in any order, given, lost and of several records, from the start or from a place."""
    random = Random(seed)
    for _ in range(100):
        wins, most = _wins(random), [random.choice([100, 200, 300]), random.choice([200, 300, 500])]
        since = random.choice([None, random.choice(wins).order])
        known = {win.name for win in wins if random.random() < 0.5}

        found = fitting(wins, most, together=_together, since=since, known=known)

        assert found == _defined(wins, most, since, known)


def test_a_budget_as_long_as_it_may_be_looks_at_each_win_a_few_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not at each for each other: those are more than a hundred million."""
    looked = 0

    def sees(_one: Win, _other: Win, _together: object) -> bool:
        nonlocal looked
        looked += 1
        return True

    monkeypatch.setattr(room, "_sees", sees)
    year = timedelta(days=365)
    days = [START - number * DAY for number in range(5 * 366)]
    free = [Win("", (at + DAY, "", ""), 1, ((at, at + year),), given=True) for at in days]
    times = [START - timedelta(hours=17 * number) for number in range(1000)]
    held = [Win(str(at), (at, "", ""), 1, ((at, at + year),)) for at in times]

    assert len(fitting([*free, *held], [10_000])) == 1001
    assert looked < 3_000_000
