"""Room under limits and in the budget is that of who won first, whatever is heard first."""

import os
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from tests.examples import NIGHTLY
from tests.treasury import ANNA, BRAM, START, WIN, Book, proved
from workflows import rehearsing
from workflows.domain import budgeting, ledger_room
from workflows.domain.room import Win, fitting
from workflows.policies_rewards import Budget, RewardLimit
from workflows.state import Doc, State, iso
from workflows.turn import Turn

DAY = timedelta(days=1)
HELD = {"hold": "300d"}
SEEDS_FROM = int(os.environ.get("VOUCH_TEST_SEEDS_FROM", "1")) * 1000 if NIGHTLY else 0
Said = tuple[str, float, str, Doc]


# -- who finds room --------------------------------------------------------------------------------


def _win(name: str, day: float, amount: int = 100, *, lost: float = 0, **more: Any) -> Win:
    at = datetime(2027, 3, 1, tzinfo=UTC) + day * DAY
    until = at + (lost - day) * DAY if lost else None
    return Win(name, (at, name, ""), amount, ((at, at + 10 * DAY),), until=until, **more)


def _fit(*wins: Win, most: int = 200) -> str:
    return "".join(sorted(fitting(wins, [most])))


def test_who_won_first_has_the_room() -> None:
    """Not who is named first; of one instant a name decides, and what is too much is passed by."""
    assert _fit(_win("c", 3), _win("b", 2), _win("a", 1)) == "ab"
    assert _fit(_win("c", 1), _win("b", 1), _win("a", 1)) == "ab"
    assert _fit(_win("a", 1), _win("b", 2, 150), _win("c", 3)) == "ac"


def test_a_window_is_half_open() -> None:
    """Exactly its span earlier no longer counts."""
    assert _fit(_win("a", 1), _win("b", 11), most=100) == "ab"
    assert _fit(_win("a", 1.01), _win("b", 11), most=100) == "a"


@pytest.mark.parametrize(("lost", "found"), [(2.9, "abcd"), (3, "abcd"), (3.1, "abd")])
def test_a_loss_makes_room_for_what_was_won_since(lost: float, found: str) -> None:
    """Before the win or with it, it does; after it, it does not."""
    given = [_win("a", 1), _win("b", 2, lost=lost), _win("c", 3), _win("d", 11)]

    assert _fit(*given) == found


def test_what_is_given_keeps_its_room() -> None:
    """An older win finds none where what was given since would be too much with it."""
    assert _fit(_win("a", 1), _win("b", 2, given=True), most=100) == "b"
    assert _fit(_win("a", 1), _win("b", 2, given=True, lost=3), most=100) == "ab"


def test_two_records_count_apart_up_to_their_merge() -> None:
    """And together for what is won since."""
    since = datetime(2027, 3, 5, tzinfo=UTC)

    def fit(*wins: Win) -> str:
        return "".join(sorted(fitting(wins, [100], together=lambda _one, _other: since)))

    assert fit(_win("a", 1), _win("b", 2, of="them")) == "ab"
    assert fit(_win("a", 1), _win("b", 2, of="them"), _win("c", 11.5)) == "ab"
    assert fit(_win("a", 1), _win("b", 2, of="them"), _win("c", 12)) == "abc"


def test_what_was_judged_before_a_place_is_not_judged_again() -> None:
    """Only what lies behind it is, with what is known of the others."""
    wins = [_win("a", 1), _win("b", 2), _win("c", 3)]

    assert fitting(wins, [100], since=wins[1].order, known={"b"}) == {"b"}
    assert fitting(wins, [100], since=wins[1].order, known={"a"}) == {"a"}


# -- in every order --------------------------------------------------------------------------------


def _story(random: Random) -> list[Said]:
    """Return wins and losses of two people, some of whom are one, a deal won twice among them."""
    said: list[Said] = []
    for number in range(1, random.randint(2, 6) + 1):
        lead, who = f"l-{number}", random.choice(["c-anna", "c-bram"])
        given = {"id": lead, "name": "Daan", "email": f"{lead}@polder{number}.example"}
        deal = {"lead": lead, "deal": f"d-{number}"}
        said.append(("referral.submitted", number / 100, who, {"lead": given}))
        won = random.randint(1, 12) + random.choice([0, 0, 0.5])
        said.append(("deal.won", won, "", deal))
        if random.random() < 0.5:
            lost = won + random.randint(0, 6) + 0.25
            said.append((random.choice(["deal.lost", "deal.refunded"]), lost, "", deal))
            if random.random() < 0.3:
                said.append(("deal.won", lost + random.randint(0, 4) + 0.1, "", deal))
    if random.random() < 0.4:
        said.append(("contact.merged", random.randint(2, 12) + 0.3, "c-bram", {"into": "c-anna"}))
    return said


def _played(said: Sequence[Said], rewards: Doc) -> Book:
    """Hear of everything at once, in this order, while all is held still."""
    book = Book(**rewards)
    book.now = START + 40 * DAY
    for kind, days, who, data in said:
        lead = data.get("lead", "")
        lead = lead["id"] if isinstance(lead, dict) else lead
        about = [f"contact/{name}" for name in (who, lead) if name]
        book.event({
            "id": f"{kind}/{days}/{lead}", "source": "t", "type": kind, "data": data,
            "lead": lead, "contact": who, "account": "", "time": iso(START + days * DAY),
        }, *about)  # fmt: skip
    proved(book)
    return book


def _earned(book: Book) -> Counter[tuple[str, ...]]:
    one = "merged_into" in book.states[BRAM].doc
    return Counter({
        ("one" if one else actor, key, each["won_at"], each["state"]): each["amount"]
        for actor, state in book.states.items()
        for key, each in state.doc.get("accruals", {}).items()
        if not each["benefit"] and each["state"] != "reversed"
    })  # fmt: skip


def _rewards(random: Random) -> Doc:
    limit = RewardLimit(max=random.choice([WIN, 2 * WIN]), within=random.choice(["3d", "6d"]))
    budget = Budget(max=random.choice([WIN, 2 * WIN, 3 * WIN]), within=random.choice(["3d", "6d"]))
    both: Doc = {"limits": (limit,), "budget": budget}
    names = random.choice([["limits"], ["budget"], ["limits", "budget"]])
    return {**HELD, **{name: both[name] for name in names}}


@pytest.mark.parametrize("seed", range(SEEDS_FROM + 1, SEEDS_FROM + (400 if NIGHTLY else 7)))
def test_in_every_order_the_same_is_earned(seed: int) -> None:
    """Wins, losses and merges under limits, a budget, or both, as long as all is held."""
    random = Random(seed)
    said, rewards = _story(random), _rewards(random)
    in_time = _earned(_played(sorted(said, key=lambda each: each[1]), rewards))

    for _ in range(3):
        order = random.sample(said, len(said))
        assert _earned(_played(order, rewards)) == in_time, order


# -- what yields, what comes back ------------------------------------------------------------------


def _two_wins(book: Book) -> None:
    """Anna's win is heard first, Bram's is older."""
    book.recommend(1)
    book.recommend(2, to=BRAM)
    book.now = START + 5 * DAY
    book.deal("deal.won", 1, time=START + 3 * DAY)
    book.deal("deal.won", 2, time=START + 2 * DAY)


def test_what_yields_says_why_and_comes_back_with_its_own_hold() -> None:
    """Taken back as `budget`; when the older win is lost before it, it is there as it was."""
    book = Book(budget=Budget(max=WIN, within="30d"))
    _two_wins(book)
    yielded = book.balance(), book.balance(BRAM)
    book.deal("deal.lost", 2, time=START + 2.5 * DAY)

    assert yielded == ({"reversed": WIN}, {"pending": WIN})
    assert book.balance() == {"pending": WIN, "reversed": WIN}
    said = [f for f in book.facts_named("reward.reversed") if f["side"] == "referrer"]
    assert [f["reason"] for f in said] == ["budget", "deal.lost"]
    (hold,) = [t for t in book.timers.values() if t.name == "hold" and t.actor == ANNA]
    assert hold.due_at == START + 10 * DAY
    proved(book)


def test_what_is_free_stays_and_the_budget_knows() -> None:
    """Approved meanwhile: the older win finds no room, and gets it when what was given is gone."""
    book = Book(**HELD, budget=Budget(max=WIN, within="30d"))
    book.recommend(1)
    book.recommend(2, to=BRAM)
    book.now = START + 5 * DAY
    book.deal("deal.won", 1, time=START + 3 * DAY)
    book.say("reward.approved", entry="deal/d-1/referrer")
    book.deal("deal.won", 2, time=START + 2 * DAY)
    stays = book.balance(), book.balance(BRAM)
    book.deal("deal.refunded", 1)

    assert stays == ({"available": WIN}, {"reversed": WIN})
    assert (book.balance(), book.balance(BRAM)) == (
        {"reversed": WIN}, {"pending": WIN, "reversed": WIN},
    )  # fmt: skip
    proved(book)


def test_what_was_freed_as_the_budget_took_it_back_is_counted() -> None:
    """The word that it yields comes after its release: it stays, and who was let in yields."""
    book = Book(**HELD, budget=Budget(max=WIN, within="30d"))
    _two_wins(book)
    (item,) = (name for name, win in book.states["budget/rewards"].doc["wins"].items()
               if win["contact"] == "c-anna")  # fmt: skip
    book.event({
        "id": "late", "source": "vouch", "type": "budget.asked", "fact": True, "contact": "",
        "time": iso(book.now), "data": {"do": "give", "contact": "c-anna",
                                        "at": iso(START + 3 * DAY), "item": item, "amount": WIN},
    }, "budget/rewards")  # fmt: skip

    assert book.balance(BRAM) == {"reversed": WIN}
    assert sum(book.states["budget/rewards"].doc["days"].values()) == WIN


def test_a_win_that_was_over_when_it_was_heard_took_its_room() -> None:
    """Nobody is told of it and nothing is booked: it is found out what it would have brought."""
    book = Book(**HELD, limits=(RewardLimit(max=WIN, within="30d"),))
    for number in (1, 2):
        book.recommend(number)
    book.now = START + 9 * DAY
    book.deal("deal.lost", 1, time=START + 4 * DAY)
    book.deal("deal.won", 1, time=START + 2 * DAY)
    book.deal("deal.won", 2, time=START + 3 * DAY)

    assert book.balance() == {}
    assert book.facts_named("reward.reversed") == []
    assert [f["reason"] for f in book.facts_named("reward.skipped")] == ["capped"]
    assert [each["amount"] for each in ledger_room.lost(_Doc(book.states[ANNA]))] == [WIN]  # type: ignore[arg-type]


class _Doc:
    def __init__(self, state: State) -> None:
        self.doc = state.doc


def test_another_limit_binds_what_comes_after() -> None:
    """What was judged under the old one stays as it was judged."""
    book = Book(**HELD, limits=(RewardLimit(max=2 * WIN, within="30d"),))
    for number in (1, 2, 3):
        book.recommend(number)
        book.deal("deal.won", number)
    rewards = book.programme.policies.rewards
    for most in (WIN, 9 * WIN):
        limits = {"limits": (RewardLimit(max=most, within="30d"),)}
        changed = {"rewards": rewards.model_copy(update=limits)}
        book.programme.policies = book.programme.policies.model_copy(update=changed)
        book.recommend(4 + most)
        book.deal("deal.won", 4 + most)

    assert book.balance() == {"pending": 3 * WIN}


# -- bounds ----------------------------------------------------------------------------------------


def _ask(book: Book, number: int, *, days: float = 0, **more: Any) -> None:
    book.event({
        "id": f"{number}/{more}", "source": "vouch", "type": "budget.asked", "fact": True,
        "contact": "", "time": iso(START),
        "data": {"do": "ask", "item": f"i-{number}", "contact": "c-anna", "amount": 1,
                 "at": iso(START + days * DAY), "tie": str(number), "given": False, **more},
    }, "budget/rewards")  # fmt: skip


def test_the_budget_keeps_so_much_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held counts as free when there is too much of it, and keeps its room."""
    monkeypatch.setattr(budgeting, "HELD_MAX", 3)
    monkeypatch.setattr(budgeting, "OUT_MAX", 2)
    monkeypatch.setattr(budgeting, "LOST_MAX", 1)
    book = Book(budget=Budget(max=5, within="30d"))
    for number in range(9):
        _ask(book, number, days=number / 10)
    kept = book.states["budget/rewards"].doc
    held = sorted(item for item, win in kept["wins"].items() if win["in"])
    out = sorted(item for item, win in kept["wins"].items() if not win["in"])
    for number in (3, 4):
        _ask(book, number, do="leave", until=iso(START + number * DAY), counted=True)
    lost = [item for item, win in kept["wins"].items() if "until" in win]

    assert (held, out, sum(kept["days"].values())) == (["i-2", "i-3", "i-4"], ["i-7", "i-8"], 2)
    assert lost == ["i-4"]


def test_what_counted_as_free_is_given_back_by_its_day() -> None:
    """Its contact says so, though the budget knows it by its day alone."""
    book = Book(budget=Budget(max=2, within="30d"))
    _ask(book, 1, given=True)
    _ask(book, 1, do="move", was=iso(START), days=2, given=True, counted=True)
    moved = dict(book.states["budget/rewards"].doc["days"])
    _ask(book, 1, do="leave", days=2, until="", counted=True)

    assert moved == {"2027-03-03": 1}
    assert book.states["budget/rewards"].doc["days"] == {}


def test_a_contact_keeps_so_much_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest goes first, of what found no room and of what was lost."""
    monkeypatch.setattr(ledger_room, "OUTSIDE_MAX", 2)
    monkeypatch.setattr(ledger_room, "LOST_MAX", 1)
    book = Book(**HELD, limits=(RewardLimit(max=2 * WIN, within="30d"),))
    for number in range(1, 7):
        book.recommend(number)
        book.advance(book.now + DAY)
        book.deal("deal.won", number)
    out = list(book.states[ANNA].doc["room"]["out"])
    for number in (1, 2):
        book.advance(book.now + DAY)
        book.deal("deal.lost", number)

    assert out == ["deal/d-5/referrer", "deal/d-6/referrer"]
    assert [each["reason"] for each in book.states[ANNA].doc["room"]["lost"]] == [
        "deal/d-2/referrer"
    ]


def test_a_win_comes_back_so_often_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it stays refused: nobody books and takes back without end."""
    monkeypatch.setattr(ledger_room, "RETURNS_MAX", 2)
    book = Book(**HELD, budget=Budget(max=WIN, within="30d"))
    book.recommend(1)
    book.deal("deal.won", 1, time=START + 9 * DAY)
    for number in range(2, 6):
        book.recommend(number, to=BRAM)
        book.deal("deal.won", number, time=START + number * DAY)
        book.deal("deal.lost", number, time=START + (number + 0.5) * DAY)

    assert book.balance() == {"reversed": 3 * WIN}
    assert not any(win["contact"] == "c-anna" for win in _kept(book)["wins"].values())


def _kept(book: Book) -> Doc:
    return book.states["budget/rewards"].doc


def test_a_programme_without_either_keeps_nothing() -> None:
    """No limit and no budget: nothing is remembered, and nobody looks."""
    book = Book(**HELD)
    book.recommend(1)
    book.deal("deal.won", 1)
    book.deal("deal.lost", 1)

    assert "room" not in book.states[ANNA].doc
    assert "budget/rewards" not in book.states
    assert "wins" not in next(iter(book.states[ANNA].doc["referrals"].values()))


def test_what_was_tried_once_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two wins that were over and would have brought nothing: a rehearsal each, and no more."""
    played: list[str] = []
    rehearse = rehearsing.rehearse

    def noted(turn: Turn, event: Doc, decide: rehearsing.Decide) -> None:
        played.append(event["time"])
        rehearse(turn, event, decide)

    monkeypatch.setattr(rehearsing, "rehearse", noted)
    book = Book(**HELD, limits=(RewardLimit(max=WIN, within="30d"),))
    book.recommend(1)
    book.states[ANNA].doc |= {"earning_blocked": True, "blocked_at": iso(START)}
    book.now = START + 9 * DAY
    for kind, days in (("lost", 5), ("lost", 3), ("won", 4), ("won", 2)):
        book.deal(f"deal.{kind}", 1, time=START + days * DAY)
    book.recommend(2)

    assert sorted(played) == [iso(START + 2 * DAY), iso(START + 4 * DAY)]
