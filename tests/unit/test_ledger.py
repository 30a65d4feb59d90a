"""The book: taken back whole or standing whole, whatever arrives in whatever order."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from random import Random

import pytest

from tests.treasury import ANNA, BRAM, FLOOR, START, WIN, Book, proved
from workflows.state import Doc, iso

KINDS = ("deal.won", "deal.won", "deal.lost", "deal.refunded", "contract.cancelled", "recommend",
         "recommend", "choose", "choose", "approve", "hand_over", "cancel", "wait")  # fmt: skip


# -- S16 -------------------------------------------------------------------------------------------


def test_a_deal_lost_while_held_takes_the_reward_back() -> None:
    """S16 A: pending goes to reversed, on both sides, and the hold wakes nobody any more."""
    book = Book()
    book.recommend()
    book.deal("deal.won")
    book.advance(book.now + timedelta(days=3))

    book.deal("deal.lost")

    assert book.moves() == [{"pending": WIN}, {"pending": -WIN, "reversed": WIN}]
    assert {fact["bucket"] for fact in book.facts_named("reward.reversed")} == {"pending"}
    assert not any(timer.kind == "hold" for timer in book.timers.values())
    assert [e.bucket for e in book.entries if e.account == "contact/l-1"][-1] == "reversed"


def test_what_is_there_is_taken_back_and_what_was_spent_is_owed() -> None:
    """S16 C: 100 of 250 were spent: 150 are taken back, 100 owed; the next win fills the gap."""
    book = Book()
    book.won(1)
    book.say("reward.chosen", choice="mug", amount=100)
    book.hand_over()

    book.deal("deal.refunded")
    owed = book.balance()
    book.won(2)

    assert book.moves()[-4:-2] == [
        {"available": -150, "reversed": 150}, {"available": -100, "reversed": 100},
    ]  # fmt: skip
    assert owed == {"available": -100, "paid": 100, "reversed": WIN}
    assert book.balance()["available"] == WIN - 100


def test_what_the_balance_holds_is_taken_back_before_anything_is_owed() -> None:
    """Of 500 from two deals 400 were spent: the first deal's 250 are 100 there and 150 owed."""
    book = Book()
    book.won(1, 2)
    book.say("reward.chosen", choice="mug", amount=400)
    book.hand_over()

    book.deal("deal.refunded", 1)

    assert book.moves()[-2:] == [
        {"available": -100, "reversed": 100}, {"available": -150, "reversed": 150},
    ]  # fmt: skip


def test_below_the_floor_the_programme_bears_it_and_somebody_looks() -> None:
    """S16 C: nobody owes more than the floor; the rest is written off, with a task."""
    book = Book()
    book.won(1)
    book.say("reward.chosen", choice="mug", amount=WIN)
    book.hand_over()

    book.deal("deal.refunded")

    assert book.moves()[-2:] == [
        {"available": FLOOR, "reversed": -FLOOR}, {"reversed": 100, "write_off": -100},
    ]  # fmt: skip
    assert book.balance()["available"] == FLOOR
    (task,) = [task for task in book.tasks.values() if task.step == "write_off"]
    assert task.assignee == "u-pim"


def test_what_was_given_away_stays_given() -> None:
    """S16 D: a donation stays paid; the write-off moves nothing, and nobody is told."""
    book = Book()
    book.won(1)
    book.say("reward.chosen", choice="donation", charity="kika", amount=WIN)
    book.hand_over()

    book.deal("deal.refunded")

    assert book.moves()[-1] == {"write_off": 0}
    assert book.balance() == {"paid": WIN}
    assert len(book.facts_named("reward.reversed")) == 1  # the lead's benefit alone
    assert not [task for task in book.tasks.values() if task.step == "write_off"]


def test_a_cancelled_contract_counts_only_within_its_span() -> None:
    """`{event, within}`: exactly the span after the win is too late, a second before is not."""
    for late, state in ((timedelta(0), "available"), (timedelta(seconds=-1), "reversed")):
        book = Book()
        book.recommend()
        won_at = book.now
        book.deal("deal.won")
        book.advance(won_at + timedelta(days=31))
        day_30 = datetime(2027, 3, 31, 8, tzinfo=UTC)  # the same wall clock: summer has begun

        book.deal("contract.cancelled", time=day_30 + late)

        assert book.balance() == {state: WIN}


@pytest.mark.parametrize("order", list(permutations(["submit", "won", "refunded"])))
def test_win_and_loss_arrive_in_any_order(order: tuple[str, ...]) -> None:
    """However recommendation, win and refund arrive, the same is booked in the end."""
    book = Book()
    times = {"submit": START, "won": START + timedelta(hours=1), "refunded": START + timedelta(1)}
    book.now = START + timedelta(days=2)

    for what in order:
        if what == "submit":
            lead = {"id": "l-1", "name": "Daan", "email": "l1@polder.example"}
            book.say("referral.submitted", time=times[what], lead=lead)
        else:
            book.deal(f"deal.{what}", time=times[what])

    assert book.balance() == {"reversed": WIN}
    proved(book)


def test_a_loss_older_than_the_win_takes_nothing_back() -> None:
    """A deal lost and then won after all is won, in whatever order that is heard."""
    for first, second in (("lost", "won"), ("won", "lost")):
        book = Book()
        book.recommend()
        book.now += timedelta(days=2)
        times = {"lost": START + timedelta(days=1), "won": START + timedelta(days=2)}
        for what in (first, second):
            book.deal(f"deal.{what}", time=times[what])

        assert book.balance() == {"pending": WIN}, (first, second)


def test_news_of_one_deal_leaves_the_others_alone() -> None:
    """The refund of one of two deals takes back its own reward, spent or not."""
    book = Book()
    book.won(1, 2)
    book.say("reward.chosen", choice="donation", charity="kika", amount=WIN)
    book.hand_over()

    book.deal("deal.refunded", 2)

    assert book.balance() == {"paid": WIN, "reversed": WIN}  # the first was given away


def test_a_referral_that_should_not_have_counted_earns_nothing() -> None:
    """Voided, both sides are taken back, whatever `reverse` lists; let in again, it earns anew."""
    book = Book(reverse=())
    book.won(1)
    (known,) = book.states[ANNA].doc["referrals"].values()
    voided: Doc = {"id": "v", "source": "vouch", "type": "referral.voided", "fact": True,
              "time": iso(START), "contact": "c-anna", "account": "", "lead": "l-1",
              "data": {"referral": known["id"], "lead": "l-1"}}  # fmt: skip

    book.event(voided)
    taken = book.balance()
    won = {"type": "referral.won", "id": "w", "referral": {**known, "lead": {"id": "l-1"}},
           "data": {**voided["data"], "deal": "d-1"}}  # fmt: skip
    book.event({**voided, **won})

    assert taken == {"reversed": WIN}
    assert [e.bucket for e in book.entries if e.account == "contact/l-1"].count("reversed") == 1
    assert book.balance() == {"reversed": WIN, "pending": WIN}
    proved(book)


def test_a_merged_book_still_adds_up() -> None:
    """What moved is transferred, what was reversed stays where its lines are, and news finds it."""
    book = Book()
    for number in (1, 2, 3):
        book.recommend(number, to=BRAM)
        book.deal("deal.won", number)
    book.deal("deal.lost", 1)
    book.advance(book.now + timedelta(days=7))
    book.say("reward.chosen", to=BRAM, choice="mug", amount=100)

    book.say("contact.merged", to=BRAM, into="c-anna")
    moved = book.balance()
    book.event({"id": "undone", "source": "vouch", "type": "reward.undone", "fact": True,
                "time": iso(book.now), "contact": "c-anna", "data": {
                    "id": "x", "by": "deal.refunded", "at": iso(book.now),
                    "about": {"deal": "d-2"}}})  # fmt: skip

    assert moved == {"available": 400, "paid": 100}
    assert book.balance() == {"available": 150, "paid": 100, "reversed": WIN}
    proved(book)


# -- whatever happens ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_thousands_of_random_operations_keep_the_book(seed: int) -> None:
    """After each of 1,500 random operations the book is proved; repeats and late ones too."""
    random = Random(seed)
    book = Book(expires="45d")

    for number in range(1_500):
        _operate(book, random)
        if number % 10 == 0:
            proved(book)

    proved(book)
    kinds = {entry.txn.partition("/")[2] for entry in book.entries}
    assert kinds >= {"accrued", "released", "reversed", "owed", "reserved", "expired", "write_off"}


def _operate(book: Book, random: Random) -> None:
    kind, lead = random.choice(KINDS), random.randint(1, 150)
    who = random.choice([ANNA, BRAM])
    late = book.now - timedelta(hours=random.choice([0, 0, 5, 100]))
    match kind:
        case "recommend":
            book.recommend(lead, to=who)
        case "choose":
            choice = random.choice(["donation", "mug", "hour"])
            amount = random.choice([1, 70, WIN])
            book.say("reward.chosen", to=who, choice=choice, charity="kika", amount=amount)
        case "approve":
            accruals = list(book.states[who].doc.get("accruals", {}).values())
            if accruals:
                book.say("reward.approved", to=who, entry=random.choice(accruals)["entry"])
        case "hand_over":
            book.hand_over()
        case "cancel":
            book.hand_over("task.cancelled")
        case "wait":
            book.advance(book.now + timedelta(hours=random.choice([1, 30, 200])))
        case _:
            book.deal(kind, lead, time=late)
