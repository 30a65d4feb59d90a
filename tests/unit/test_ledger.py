"""The book: taken back whole or standing whole, whatever arrives in whatever order."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.replay import Replay, compiled, library
from workflows.compiled import Programme
from workflows.policies_rewards import Budget, Choice, RewardLimit
from workflows.rewarding import compile_rewarding
from workflows.state import Doc, Entry, State, iso

START = datetime(2027, 3, 1, 9, tzinfo=UTC)
TREASURY = Path(__file__).parents[1] / "scenarios" / "programmes" / "treasury"
ANNA, BRAM = "contact/c-anna", "contact/c-bram"
WIN = 250
FLOOR = -150


@cache
def treasury() -> Programme:
    return compiled(TREASURY)


class Book(Replay):
    """A world in which people recommend, win, lose, choose and hand over."""

    def __init__(self, **rewards: Any) -> None:
        super().__init__(_with(rewards) if rewards else treasury(), START)
        for actor in (ANNA, BRAM):
            name = actor.removeprefix("contact/")
            self.states[actor] = State(actor, {"id": name, "name": name, "email": f"{name}@x.nl"})

    def say(self, kind: str, *, time: datetime | None = None, to: str = ANNA, **data: Any) -> None:
        """Let something happen to a contact, or to a lead where `data` names one."""
        lead = data.get("lead", "")
        lead_id = lead["id"] if isinstance(lead, dict) else lead
        is_deal = bool(lead_id) and kind != "referral.submitted"
        event = {
            "id": f"e-{len(self.seen)}", "source": "test", "type": kind, "account": "",
            "time": iso(time or self.now), "lead": lead_id, "data": data,
            "contact": "" if is_deal else to.removeprefix("contact/"),
        }  # fmt: skip
        actors = [f"contact/{lead_id}"] if is_deal else [to]
        if kind == "referral.submitted":
            actors.append(f"contact/{lead_id}")
        self.event(event, *actors)

    def deal(self, kind: str, number: int = 1, *, time: datetime | None = None) -> None:
        """Let something befall the deal of a lead."""
        self.say(kind, time=time, lead=f"l-{number}", deal=f"d-{number}")

    def recommend(self, number: int = 1, *, to: str = ANNA) -> None:
        lead = {"id": f"l-{number}", "name": "Daan", "email": f"l{number}@polder.example"}
        self.say("referral.submitted", to=to, lead=lead)

    def won(self, *numbers: int) -> None:
        """Recommend, win, and let the hold pass."""
        for number in numbers:
            self.recommend(number)
            self.deal("deal.won", number)
        self.advance(self.now + timedelta(days=7))

    def hand_over(self, word: str = "task.closed") -> None:
        """Close, or cancel, every open task by which somebody hands over."""
        for key, task in sorted(self.tasks.items()):
            if task.step == "hand" and task.status == "open":
                self.say(word, to=task.actor, task=key, by="u-pim")

    def balance(self, actor: str = ANNA) -> Doc:
        """Return what a contact is told, without what is zero."""
        balance = self.states[actor].doc.get("balance", {})
        return {bucket: amount for bucket, amount in balance.items() if amount}

    def moves(self, actor: str = ANNA) -> list[Doc]:
        """Return the contact's movements in the currency, in order."""
        found: dict[str, Doc] = {}
        for entry in self.entries:
            if entry.account == actor and not entry.benefit:
                found.setdefault(entry.txn, {})[entry.bucket] = entry.delta
        return list(found.values())

    def facts_named(self, name: str) -> list[Doc]:
        return [fact.get("data", {}) for fact in self.facts if fact["fact"] == name]


def _with(rewards: dict[str, Any]) -> Programme:
    programme = compiled(TREASURY)
    clawback = programme.policies.rewards.clawback.model_copy(update=rewards.pop("clawback", {}))
    changed = programme.policies.rewards.model_copy(update={**rewards, "clawback": clawback})
    programme.policies = programme.policies.model_copy(update={"rewards": changed})
    return programme


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
    _proved(book)


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
    _proved(book)


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
    _proved(book)


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
    _proved(book)


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
    book.deal("deal.lost", 1)
    book.recommend(4, to=BRAM)
    book.deal("deal.won", 4)

    assert full == ({"pending": WIN, "reversed": WIN}, {"pending": WIN})
    assert next(f["reason"] for f in book.facts_named("reward.reversed")) == "budget"
    assert book.balance(BRAM) == {"pending": 2 * WIN}
    _proved(book)


def test_a_budget_starts_anew_when_its_window_moves_on() -> None:
    """What was won a window ago counts no more."""
    book = Book(budget=Budget(max=WIN, within="30d"))
    book.won(1)
    book.won(2)
    book.advance(START + timedelta(days=30))
    book.won(3)

    assert book.balance() == {"available": 2 * WIN, "reversed": WIN}


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
    _proved(book)


# -- whatever happens ------------------------------------------------------------------------------


def _proved(book: Book) -> None:
    """Prove the book: what must hold at every moment does."""
    txns: defaultdict[tuple[str, str], int] = defaultdict(int)
    mine: defaultdict[str, list[Entry]] = defaultdict(list)
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    for entry in book.entries:
        txns[entry.txn, entry.benefit] += entry.delta
        if entry.account != "programme":
            mine[entry.txn].append(entry)
            if not entry.benefit:
                sums[entry.account, entry.bucket] += entry.delta
    assert not any(txns.values())
    issued: defaultdict[str, int] = defaultdict(int)
    reversed_: defaultdict[str, int] = defaultdict(int)
    for txn, lines in mine.items():
        entry_id, _, what = txn.partition("/")
        total = sum(line.delta for line in lines)
        assert total > 0 if what == "accrued" else total == 0, txn
        if "merge" in what:
            continue  # a transfer is no accrual and no reversal
        issued[entry_id] += total
        reversed_[entry_id] += sum(line.delta for line in lines if line.bucket == "reversed")
    assert all(reversed_[e] in (0, issued[e]) for e in issued)
    for actor, state in book.states.items():
        told = state.doc.get("balance", {})
        for bucket in {*told, *(bucket for who, bucket in sums if who == actor)}:
            assert sums[actor, bucket] == told.get(bucket, 0), (actor, bucket)
        assert state.doc.get("balance", {}).get("available", 0) >= FLOOR


KINDS = ("deal.won", "deal.won", "deal.lost", "deal.refunded", "contract.cancelled", "recommend",
         "recommend", "choose", "choose", "approve", "hand_over", "cancel", "wait")  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_thousands_of_random_operations_keep_the_book(seed: int) -> None:
    """After each of 1,500 random operations the book is proved; repeats and late ones too."""
    random = Random(seed)
    book = Book(expires="45d")

    for number in range(1_500):
        _operate(book, random)
        if number % 10 == 0:
            _proved(book)

    _proved(book)
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
