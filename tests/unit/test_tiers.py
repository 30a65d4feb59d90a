"""Levels: up at once, down only at the `lower` run, over a rolling window."""

from datetime import UTC, datetime, timedelta

from tests.treasury import ANNA, Book

MONDAY = datetime(2027, 5, 31, 1, tzinfo=UTC)
"""A Monday, 03:00 by the programme's clock: when `lower` runs."""


def _changes(book: Book) -> list[tuple[str, str, bool]]:
    told = book.facts_named("tier.changed")
    return [(fact["from_tier"], fact["to_tier"], fact["up"]) for fact in told]


def test_a_level_is_reached_at_once() -> None:
    """The second win makes a fan in the same instant; three more fall short of nothing."""
    book = Book()
    book.won(1)
    book.recommend(2)
    before = _changes(book)
    book.deal("deal.won", 2)

    assert before == []
    assert _changes(book) == [("friend", "fan", True)]
    assert book.states[ANNA].doc["tier"] == "fan"


def test_a_level_is_lost_only_at_the_run_that_lowers() -> None:
    """Ninety days on nothing counts any more, and on the Monday after it the level goes."""
    book = Book()
    book.won(1, 2)
    book.advance(MONDAY - timedelta(seconds=1))
    before = _changes(book)

    book.advance(MONDAY)

    assert before == [("friend", "fan", True)]
    assert _changes(book)[1:] == [("fan", "friend", False)]
    assert not [timer for timer in book.timers.values() if timer.kind == "lower"]


def test_exactly_a_window_earlier_no_longer_counts() -> None:
    """The first win leaves the window as the second comes in: two wins are no fan."""
    for short, levels in ((timedelta(0), []), (timedelta(hours=1), [("friend", "fan", True)])):
        book = Book()
        book.recommend(1)
        book.deal("deal.won", 1)
        book.recommend(2)
        book.advance(datetime(2027, 5, 30, 8, tzinfo=UTC) - short)  # 90 days: summer has begun

        book.deal("deal.won", 2)

        assert _changes(book) == levels


def test_several_levels_are_passed_at_once_and_none_is_told_twice() -> None:
    """Four wins: fan, then patron; going down goes to what still counts."""
    book = Book()
    book.won(1, 2)
    book.advance(book.now + timedelta(days=60))
    book.won(3, 4)
    book.advance(book.now + timedelta(days=31))

    assert _changes(book) == [
        ("friend", "fan", True), ("fan", "patron", True), ("patron", "fan", False),
    ]  # fmt: skip


def test_what_was_voided_counts_no_more_at_the_next_run() -> None:
    """A referral that was undone leaves the level until the run, and then takes it."""
    book = Book()
    book.won(1, 2)
    (known,) = [r for r in book.states[ANNA].doc["referrals"].values() if r["lead"]["id"] == "l-2"]
    book.event({"id": "v", "source": "vouch", "type": "referral.voided", "fact": True, "lead": "",
                "time": book.now.isoformat(), "contact": "c-anna", "account": "",
                "data": {"referral": known["id"]}})  # fmt: skip
    before = _changes(book)
    book.advance(book.now + timedelta(days=7))

    assert before == [("friend", "fan", True)]
    assert _changes(book)[1:] == [("fan", "friend", False)]


def test_a_win_that_was_lost_after_all_counts_no_more() -> None:
    """The level stays until the run, and what was lost does not keep it."""
    book = Book()
    book.won(1, 2)
    book.deal("deal.lost", 2)
    before = _changes(book)
    book.advance(book.now + timedelta(days=7))

    assert before == [("friend", "fan", True)]
    assert _changes(book)[1:] == [("fan", "friend", False)]
