"""What becomes of a reward: approved, chosen, handed over, lapsed, limited."""

from collections import defaultdict
from datetime import timedelta

import pytest

from events.catalogue import default_catalogue
from tests.replay import Replay, library
from tests.treasury import ANNA, BRAM, FLOOR, START, TREASURY, WIN, Book, proved
from workflows.compiling import compile_programme
from workflows.folder import Folder
from workflows.load import load_folder, load_programme
from workflows.policies_rewards import Budget, Choice, RewardLimit
from workflows.rewarding import compile_rewarding
from workflows.state import Doc, State, iso

# -- approving -------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ["deal/d-7/referrer", "deal/d-1/referee", "0f0f"])
def test_approving_what_nobody_earned_is_refused(entry: str) -> None:
    """No reward has this entry, or it is somebody else's: refused with the field."""
    book = Book()
    book.recommend()
    book.deal("deal.won")

    book.say("reward.approved", entry=entry)

    (said,) = book.facts_named("event.rejected")
    assert (said["reason"], said["field"]) == ("unknown_entry", "data.entry")
    assert book.balance() == {"pending": WIN}


def test_approving_what_is_settled_changes_nothing_and_says_why() -> None:
    """A reward that is free, or was taken back: no refusal, and the decision bears the reason."""
    book = Book()
    book.won(1)
    book.say("reward.approved", entry="deal/d-1/referrer")
    free = book.looked[-1]
    book.deal("deal.refunded")
    book.say("reward.approved", entry="deal/d-1/referrer")

    assert free == {"idle": "reward.approved", "reason": "reward_free", "field": "data.entry"}
    assert book.looked[-1]["reason"] == "reward_reversed"
    assert book.facts_named("event.rejected") == []
    assert book.balance() == {"reversed": WIN}


# -- choosing --------------------------------------------------------------------------------------


def test_a_choice_reserves_at_once_and_is_fulfilled_when_handed_over() -> None:
    """Available goes to paid with the choice; `reward.fulfilled` comes with the hand-over."""
    book = Book()
    book.won(1)

    book.say("reward.chosen", choice="donation", charity="kika", amount=200)
    reserved = book.balance()
    before = book.facts_named("reward.fulfilled")
    book.hand_over()

    assert reserved == {"available": 50, "paid": 200}
    assert before == []
    (fulfilled,) = book.facts_named("reward.fulfilled")
    assert (fulfilled["choice"], fulfilled["charity"], fulfilled["amount"]) == (
        "donation", "kika", 200,
    )  # fmt: skip
    assert [e.reason for e in book.entries][-1] == "donation/kika"


@pytest.mark.parametrize(
    ("data", "reason", "field"),
    [
        ({"choice": "mug", "amount": WIN + 1}, "insufficient", "data.amount"),
        ({"choice": "yacht", "amount": 1}, "unknown_choice", "data.choice"),
        ({"choice": "donation", "amount": 1}, "required", "data.charity"),
    ],
)
def test_a_choice_that_cannot_be_had_is_refused(data: Doc, reason: str, field: str) -> None:
    """Too much, of nothing we have, to nobody: refused with the field, and nothing is booked."""
    book = Book()
    book.won(1)

    book.say("reward.chosen", **data)

    (said,) = book.facts_named("event.rejected")
    assert (said["reason"], said["field"]) == (reason, field)
    assert book.balance() == {"available": WIN}


def test_two_choices_of_the_same_coins_are_one_payout_and_one_refusal() -> None:
    """What is reserved cannot be chosen again, however close the second comes."""
    book = Book()
    book.won(1)

    for _ in range(2):
        book.say("reward.chosen", choice="mug", amount=WIN)

    assert book.balance() == {"paid": WIN}
    assert [said["reason"] for said in book.facts_named("event.rejected")] == ["insufficient"]


def test_a_benefit_is_used_by_choosing_it() -> None:
    """The lead's hour is paid by the hour it earned; used, a refund takes nothing back."""
    book = Book()
    book.won(1)

    book.say("reward.chosen", to="contact/l-1", choice="hour", amount=1)
    book.hand_over()
    book.deal("deal.refunded")

    pieces: defaultdict[str, int] = defaultdict(int)
    for entry in book.entries:
        if entry.account == "contact/l-1":
            pieces[entry.bucket] += entry.delta
    assert {bucket: n for bucket, n in pieces.items() if n} == {"paid": 1}


def test_what_was_taken_back_is_not_handed_over_by_a_retry() -> None:
    """A run that starts on a cancelled payout calls nobody, opens no task, and has failed."""
    book = Replay(library(), START)
    payout = {"entry": "p-1", "choice": "donation", "status": "cancelled"}
    doc = {"id": "c-anna", "name": "Anna", "payouts": {"p-1": payout}}
    book.states[ANNA] = State(ANNA, doc)

    book.event({"id": "again", "source": "vouch", "type": "reward.reserved", "fact": True,
                "time": iso(START), "contact": "c-anna",
                "data": {"entry": "p-1", "choice": "donation", "amount": 5}})  # fmt: skip

    (run,) = book.runs.values()
    assert (run.workflow, run.ended_as) == ("reward-chosen", "failed")
    assert not book.pending
    assert not book.tasks


# -- what lapses, what is capped -------------------------------------------------------------------


def test_what_nobody_used_in_time_lapses_and_what_was_chosen_stays() -> None:
    """`expires` counts from when it was free; what is undone later is reversed all the same."""
    book = Book(expires="30d")
    book.won(1)
    book.say("reward.chosen", choice="mug", amount=100)
    book.hand_over()

    book.advance(book.now + timedelta(days=31))
    lapsed = book.balance()
    book.deal("deal.refunded")

    assert lapsed == {"paid": 100, "expired": 150}
    assert book.balance() == {"available": -100, "paid": 100, "reversed": WIN}
    proved(book)


def test_nobody_earns_more_than_a_limit_allows() -> None:
    """Three wins under a limit of two: the third is skipped as `capped`, until the window moves."""
    book = Book(limits=(RewardLimit(max=2 * WIN, within="60d"),))
    book.won(1, 2, 3)
    capped = book.balance()
    book.advance(book.now + timedelta(days=60))
    book.won(4)

    assert capped == {"available": 2 * WIN}
    assert [f["reason"] for f in book.facts_named("reward.skipped")] == ["capped"]
    assert book.balance() == {"available": 3 * WIN}


def test_everybody_together_earns_no_more_than_the_budget() -> None:
    """The third win of the programme is taken back as `budget`; what is reversed makes room."""
    book = Book(budget=Budget(max=2 * WIN, within="60d"))
    for number, who in ((1, ANNA), (2, BRAM), (3, ANNA)):
        book.recommend(number, to=who)
        book.deal("deal.won", number)
    full = (book.balance(), book.balance(BRAM))
    book.advance(book.now + timedelta(hours=1))
    book.deal("deal.lost", 1)
    book.recommend(4, to=BRAM)
    book.deal("deal.won", 4)

    assert full == ({"pending": WIN, "reversed": WIN}, {"pending": WIN})
    assert next(f["reason"] for f in book.facts_named("reward.reversed")) == "budget"
    assert book.balance(BRAM) == {"pending": 2 * WIN}
    proved(book)


def test_a_budget_starts_anew_when_its_window_moves_on() -> None:
    """What was won a window ago counts no more."""
    book = Book(budget=Budget(max=WIN, within="30d"))
    book.won(1)
    book.won(2)
    book.advance(START + timedelta(days=30))
    book.won(3)

    assert book.balance() == {"available": 2 * WIN, "reversed": WIN}


def test_a_loss_that_is_heard_late_takes_nothing_that_was_free_only_since() -> None:
    """What was spent is owed down to the floor, as if the loss had been heard in time."""
    balances = []
    for late in (False, True):
        book = Book()
        book.won(1)
        book.say("reward.chosen", choice="mug", amount=WIN)
        lost_at = book.now + timedelta(hours=1)
        if not late:
            book.advance(lost_at)
            book.deal("deal.refunded")
        book.advance(lost_at)
        book.won(2)
        if late:
            book.deal("deal.refunded", time=lost_at)
        balances.append(book.balance())
        proved(book)

    assert balances[0] == balances[1]
    assert balances[0]["available"] == WIN + FLOOR


# -- gifts to choose -------------------------------------------------------------------------------


def _with_mugs(pieces: int) -> Book:
    book = Book(choices=(Choice(choice="mug", stock={"blue": 1, "red": pieces - 1}),))
    book.programme.rewarding = compile_rewarding(
        book.programme.policies, book.programme.scopes, book.programme.zone
    )
    return book


def test_a_gift_is_reserved_as_long_as_there_is_one_left() -> None:
    """Two mugs for three choices: the third is cancelled and its coins are free again."""
    book = _with_mugs(2)
    book.won(1)
    for _ in range(3):
        book.say("reward.chosen", choice="mug", amount=50)
        book.advance(book.now)
    book.hand_over()

    assert book.balance() == {"available": 150, "paid": 100}
    assert [f["benefit"] for f in book.facts_named("reward.reserved")] == ["blue", "red"]
    assert [f["reason"] for f in book.facts_named("reward.skipped")] == ["none_left"]
    assert len(book.facts_named("reward.fulfilled")) == len(book.facts_named("gift.shipped")) == 2
    proved(book)


# -- objects that are instants ---------------------------------------------------------------------

FAVOUR = """
workflow: favour
trigger: {event: favour.granted}
run: {per: note, again: once}
steps:
  - credit: {amount: 10, object: trigger.time, hold: 7d}
"""


def _favours() -> Book:
    files = load_folder(TREASURY).files
    loaded = load_programme(Folder({**files, "workflows/favour.yaml": FAVOUR}))
    book = Book()
    words = {(k.name, k.locale, str(k.kind)): text for k, text in loaded.templates.items()}
    programme = compile_programme(
        loaded.policies, loaded.workflows, templates=words, catalogue=default_catalogue()
    )
    Replay.__init__(book, programme, START)
    return book


def test_an_object_that_is_an_instant_is_written_as_everywhere() -> None:
    """Its reason, and so the key of its accrual, bears the ISO form."""
    book = _favours()

    book.say("favour.granted", note="one")

    reason = f"time/{iso(START)}/referrer"
    assert list(book.states[ANNA].doc["accruals"]) == [reason]
    assert {entry.reason for entry in book.entries} == {reason}


def test_a_reward_of_an_older_form_is_found_and_not_given_twice() -> None:
    """What was booked by `2027-03-01 09:00:00+00:00` is absorbed, and approved, by either name."""
    book = _favours()
    book.say("favour.granted", note="one")
    accruals = book.states[ANNA].doc["accruals"]
    (reason,) = accruals
    old = f"time/{START}/referrer"
    accruals[old] = accruals.pop(reason)

    book.say("favour.granted", note="two")
    assert book.balance() == {"pending": 10}
    book.say("reward.approved", entry=reason)

    assert book.balance() == {"available": 10}
    assert list(accruals) == [old]
