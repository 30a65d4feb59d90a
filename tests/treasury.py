"""A book to play with: the `treasury` programme, in which people earn, lose and choose coins."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tests.replay import Replay, compiled
from workflows.compiled import Programme
from workflows.state import Doc, Entry, State, iso

START = datetime(2027, 3, 1, 9, tzinfo=UTC)
TREASURY = Path(__file__).parent / "scenarios" / "programmes" / "treasury"
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


def proved(book: Book) -> None:
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
