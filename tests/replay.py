"""An in-memory replay: the engine and the guard on dicts, with none of store or workers.

The oracle of fault tests (what must have come out) and the stage of property tests. It keeps
each actor's state in a dict, delivers by the guard, and sends nothing.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from events.catalogue import default_catalogue
from workflows.compiled import Programme
from workflows.compiling import compile_programme
from workflows.engine import decide
from workflows.guard import Defer, Leave, View, guard
from workflows.load import load_folder, load_programme
from workflows.records import facts_of, looks_of
from workflows.state import (
    Ask,
    Changes,
    Doc,
    Entry,
    Input,
    Message,
    Run,
    State,
    Task,
    Timer,
    iso,
)
from workflows.steps.calling import is_call
from workflows.steps.journey_state import overtaken
from workflows.syncs import is_sync
from workflows.turn import CHAIN_MAX

LIBRARY = Path(__file__).parents[1] / "workflows" / "library"
FAR = datetime(2100, 1, 1, tzinfo=UTC)


@cache
def library() -> Programme:
    """Return the shipped programme, compiled."""
    return compiled(LIBRARY)


def compiled(folder: Path) -> Programme:
    """Return a folder's programme, compiled."""
    loaded = load_programme(load_folder(folder))
    catalogue = default_catalogue()
    if loaded.policies.fields.contact:
        catalogue = catalogue.with_contact_fields(loaded.policies.fields.contact)
    return compile_programme(
        loaded.policies,
        loaded.workflows,
        templates={(k.name, k.locale, k.kind): text for k, text in loaded.templates.items()},
        catalogue=catalogue,
    )


@dataclass
class Replay:
    """Everything that came out, by key."""

    programme: Programme
    now: datetime
    states: dict[str, State] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    asks: dict[str, Ask] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    timers: dict[str, Timer] = field(default_factory=dict)
    pending: dict[str, Message] = field(default_factory=dict)
    sent: dict[str, tuple[Message, Leave]] = field(default_factory=dict)
    left_at: dict[str, datetime] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    facts: list[Doc] = field(default_factory=list)
    looked: list[Doc] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)
    seq: int = 0

    # -- inputs ----------------------------------------------------------------------------------

    def event(self, event: Doc, *actors: str) -> None:
        """Handle one event now; one with a source and id seen before is no event."""
        mark = (event["source"], event["id"])
        if mark in self.seen:
            return
        self.seen.add(mark)
        for actor in actors or (f"contact/{event['contact']}",):
            self._handle(actor, event=event)
        self._deliver()

    def advance(self, until: datetime) -> None:
        """Fire timers and send messages in order of time, up to `until`."""
        while True:
            due = min(
                [t.due_at for t in self.timers.values()]
                + [m.planned_at for m in self.pending.values()],
                default=FAR,
            )
            if due > until:
                break
            self.now = max(self.now, due)
            for timer in sorted(
                (t for t in self.timers.values() if t.due_at <= self.now),
                key=lambda t: (t.due_at, t.key),
            ):
                if timer.key in self.timers:
                    self._handle(timer.actor, timer=timer)
            self._deliver()
        self.now = max(self.now, until)

    def _handle(self, actor: str, *, event: Doc | None = None, timer: Timer | None = None) -> None:
        queue = [(actor, event, timer)]
        while queue:
            who, what, woken = queue.pop(0)
            self.seq += 1
            state = self.states.setdefault(who, State(who))
            changes = Changes()
            item = Input(who, self.now, self.seq, event=what, timer=woken)
            if what is not None and what.get("depth", 0) > CHAIN_MAX:
                continue  # it is set aside
            decide(self.programme, state, item, now=self.now, changes=changes, loads={})
            self.take(changes)
            queue += [(f.actor, f.event, None) for f in changes.forwards]

    def take(self, changes: Changes) -> None:
        """Keep what a decision wants written, and refuse what it must never want."""
        assert not changes.timers_set.keys() & changes.timers_cut.keys()
        self.runs |= changes.runs
        self.asks |= changes.asks
        self.tasks |= changes.tasks
        self.timers |= changes.timers_set
        for key in changes.timers_cut:
            self.timers.pop(key, None)
        for key, message in changes.messages.items():
            known = self.pending.get(key) or self.sent.get(key) or self.skipped.get(key)
            assert known is None, f"message {key} was decided twice"
            if message.status == "pending":
                self.pending[key] = message
            else:
                self.sent[key] = (message, Leave("", "", "", "", message.planned_at))
        keys = {entry.key for entry in self.entries}
        assert not keys & {entry.key for entry in changes.entries}
        self.entries += changes.entries
        self.facts += [fact for record in changes.records for fact in facts_of(record.doc)]
        self.looked += [look for record in changes.records for look in looks_of(record.doc)]

    # -- messages --------------------------------------------------------------------------------

    def view(self, message: Message) -> View:
        """Return what the guard sees of a message's recipient."""
        kind, _, name = message.to.partition("/")
        run = self.runs.get(message.run)
        ask = self.asks.get(message.ask)
        left = bool(run and (run.doc.get("left") or overtaken(run.doc, message.doc, message.key)))
        if kind == "staff":
            person = self.programme.policies.staff.get(name)
            return View({"email": person.email if person else ""}, run_left=left)
        state = self.states.get(message.to, State(message.to))
        return View(
            doc=state.doc,
            account=state.account,
            consents={key: word.granted for key, word in state.consents.items()},
            history=[
                replace(m, planned_at=leave.planned)
                for m, leave in self.sent.values()
                if m.to == message.to or (message.account and m.account == message.account)
            ],
            templates_sent=frozenset(m.template for m, _ in self.sent.values()
                                     if m.to == message.to),
            run_left=left,
            run_paused=bool(run and run.doc.get("paused")),
            ask_status=ask.status if ask else "",
        )  # fmt: skip

    def _deliver(self) -> None:
        due = [m for m in self.pending.values() if m.planned_at <= self.now]
        for message in sorted(due, key=lambda m: (m.planned_at, m.key)):
            if is_call(message.to) or is_sync(message.to):
                del self.pending[message.key]
                self.call(message)
                continue
            verdict = guard(self.programme, message, self.view(message), now=self.now)
            if isinstance(verdict, Defer):
                self.pending[message.key] = replace(message, planned_at=verdict.until)
                continue
            del self.pending[message.key]
            if isinstance(verdict, Leave):
                self.sent[message.key] = (message, verdict)
                self.left_at[message.key] = self.now
                self._tell(message, "message.sent", verdict.planned, "")
            else:
                self.skipped[message.key] = verdict.reason
                self._tell(message, "message.skipped", message.planned_at, verdict.reason)

    def call(self, message: Message) -> None:
        """Make a call, or tell another system: nobody is there to take it."""

    def _tell(self, message: Message, kind: str, planned: datetime, reason: str) -> None:
        if not message.awaited and kind not in self.programme.listens:
            return
        self._handle(message.actor, event={
            "id": f"{message.key}/{kind}", "source": "vouch", "type": kind, "fact": True,
            "time": iso(planned), "contact": message.actor.removeprefix("contact/"),
            "run": message.run, "step": message.step,
            "data": {"message": message.key, "ask": message.ask, "template": message.template,
                     "planned": iso(planned), "touch": message.doc.get("touch", 0),
                     "reason": reason},
            **({"depth": message.doc["depth"] + 1} if "depth" in message.doc else {}),
        })  # fmt: skip


def balances(entries: list[Entry]) -> dict[str, int]:
    """Return what each transaction sums to: zero, always."""
    sums: defaultdict[str, int] = defaultdict(int)
    for entry in entries:
        sums[f"{entry.txn}/{entry.benefit}"] += entry.delta
    return dict(sums)
