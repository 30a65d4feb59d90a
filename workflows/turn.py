"""One input's turn on one actor: what the engine knows and everything it decides.

Steps and rules call a `Turn` to state facts, set and cut timers, queue messages. It works
on the actor's `State` in memory and gathers `Changes`; nothing here reads a clock.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from workflows.compiled import Programme
from workflows.durations import add_span, parse_span, subtract_span
from workflows.expressions import Activation, EvaluationError, Expression, activation
from workflows.records import unmet
from workflows.state import (
    Changes,
    Doc,
    Forward,
    Page,
    Run,
    State,
    Task,
    Timer,
    instant,
    iso,
)
from workflows.steps.outcome import Outcome
from workflows.wallclock import zone_or

CHAIN_MAX = 16
"""How long a chain of facts in one instant may be; then the input is a dead letter."""

SILENT_TIMERS = frozenset(
    {"due", "unassigned", "queue", "snooze", "park", "attribution", "moments", "schedule"}
    | {"expiry", "lower", "freeze", "draw", "gifts"}
)
"""Kinds of timers that are not told as facts: what they do is."""


@dataclass(slots=True)
class Turn:
    """The scratch of one input.

    Attributes:
        now: The instant at which the engine decides; facts bear it.
        contact: The contact's id; '' when the actor is not a contact.
        time: When what is being handled happened (an event's `time`, a timer's due time).
        at: When the input arrived, or was due: how late a worker comes to it makes no difference.
        event: The event being handled, None under a timer.
        cause: The id of the event, or the key of the timer, as records name it.
        mark: The same, unique over all sources and firings: ids of facts begin with it.
        queue: Facts and emitted events of this instant still to be handled, with their depth.
        runs: The runs that facts are about, id and workflow, with their numbers (`records`).
    """

    programme: Programme
    state: State
    changes: Changes
    now: datetime
    loads: dict[str, int]
    cause: str = ""
    mark: str = ""
    contact: str = field(init=False)
    time: datetime = field(init=False)
    at: datetime = field(init=False)
    event: Doc | None = None
    echo: str = ""  # the kind of fact that the event in hand is itself
    depth: int = 0
    queue: deque[tuple[Doc, int]] = field(default_factory=deque)
    facts: list[Doc] = field(default_factory=list)
    runs: dict[tuple[str, str], int] = field(default_factory=dict)
    looked: list[Doc | list[str]] = field(default_factory=list)
    leaving: list[tuple[str, str]] = field(default_factory=list)
    woken: deque[tuple[str, str, Outcome, datetime]] = field(default_factory=deque)
    page: Page | None = None
    saved: bool = False  # the document was changed
    members: tuple[str, ...] = ()
    _values: Activation | None = None

    def __post_init__(self) -> None:
        self.time = self.at = self.now
        kind, _, name = self.state.actor.partition("/")
        self.contact = name if kind == "contact" else ""

    # -- who it is about ---------------------------------------------------------------------

    @property
    def doc(self) -> Doc:
        """The actor's document: the contact's fields."""
        return self.state.doc

    @property
    def zone(self) -> ZoneInfo:
        """The contact's zone, else the programme's."""
        return zone_or(self.doc.get("zone", ""), self.programme.zone)[0]

    def save(self) -> None:
        """Have the actor's document written, and conditions see it as it is now."""
        self.changes.actors[self.state.actor] = self.state.doc
        self.saved = True
        self.look_afresh()

    def look_afresh(self) -> None:
        """Forget what conditions saw: something has changed, or the turn is over.

        What they saw knows the turn, for `ago()`. A turn that kept it would hold itself, and
        stay in memory with its batch until the garbage collector came by.
        """
        self._values = None

    # -- time --------------------------------------------------------------------------------

    def add(self, start: datetime, span: str) -> datetime:
        """Return `start` plus a span, calendar parts in the contact's zone."""
        return add_span(start, parse_span(span), zone=self.zone, office=self.programme.office)

    def ago(self, span: str) -> datetime:
        """Return `now` less a span."""
        return subtract_span(
            self.now, parse_span(span), zone=self.zone, office=self.programme.office
        )

    # -- facts -------------------------------------------------------------------------------

    def fact(
        self,
        kind: str,
        key: str = "",
        /,
        *,
        run: Run | None = None,
        step: str = "",
        **data: Any,  # noqa: ANN401
    ) -> None:
        """State a fact; what listens to it handles it later in this instant.

        When it was, who caused it and whose it is stand once in the record of the input.
        """
        if None in data.values():
            data = {name: value for name, value in data.items() if value is not None}
        row: Doc = {"fact": kind}
        if run is not None:
            row["run"] = self.runs.setdefault((run.id, run.workflow), len(self.runs))
            if key.startswith(run.id):
                row["at"] = key[len(run.id) :]
            elif key:
                row["key"] = key
        elif key:
            row["key"] = key
        if step:
            row["step"] = step
        if data:
            row["data"] = data
        self.facts.append(row)
        if self._listened(kind):
            number = len(self.facts)
            self.say(kind, f"{self.mark}/{number}", data, run=run, step=step)

    def say(
        self,
        kind: str,
        key: str,
        data: Doc,
        *,
        run: Run | None = None,
        step: str = "",
        source: str = "vouch",
        lead: str = "",
    ) -> None:
        """Put an event of this contact and instant behind those that wait already."""
        event: Doc = {
            "id": key,
            "source": source,
            "type": kind,
            "time": iso(self.time),
            "contact": self.contact,
            "data": data,
            "fact": source == "vouch",
        }
        if lead:
            event["lead"] = lead
        if run is not None:
            event |= {"run": run.id, "workflow": run.workflow, "step": step}
            referral = run.doc["trigger"].get("referral")
            if referral is not None:
                event["referral"] = referral
        self.queue.append((event, self.depth + 1))

    def _listened(self, kind: str) -> bool:
        if kind == self.echo:
            return False  # the event that says so is being handled already
        programme = self.programme
        if kind in programme.listens:
            return True
        if len(programme.versions) == len(programme.workflows):
            return False  # no run keeps an older version that might listen to more
        return any(kind in programme.of(run).listens for run in self.state.runs.values())

    # -- conditions --------------------------------------------------------------------------

    def values(self, run: Run | None = None, event: Doc | None = None) -> Activation:
        """Return what expressions see; shared while nothing changes and no run is named."""
        if run is None and event is None:
            event = self.event
            if self._values is None:
                self._values = self._activation(None, event)
            return self._values
        return self._activation(run, event)

    def _activation(self, run: Run | None, event: Doc | None) -> Activation:
        values = self.names(run)
        if event is not None:
            values["event"] = event
            if run is None and event.get("referral") is not None:
                values["referral"] = event["referral"]
        return activation(values, self.now, self.ago)

    def names(self, run: Run | None = None) -> dict[str, Any]:
        """Return the names of LANGUAGE section 3 as plain values."""
        is_contact = bool(self.contact)
        values: dict[str, Any] = {
            "contact": self.doc if is_contact else {},
            "account": self.state.account if is_contact else self.doc,
            "programme": self.programme.facts,
        }
        if run is not None:
            doc = run.doc
            values |= {
                "trigger": doc["trigger"],
                "steps": doc.get("steps", {}),
                "run": {"id": run.id, "started_at": run.started_at},
                "referral": self.referral_of(doc["trigger"]) or {},
                "seen": lambda kind: _seen(doc, kind),
            }
        return values

    def referral_of(self, trigger: Doc) -> Doc | None:
        """Return the referral a trigger carried, as it is now if this contact is its referrer."""
        referral = trigger.get("referral")
        if referral is None:
            return None
        known: Doc = self.doc.get("referrals", {}).get(referral["id"], referral)
        reward = self.doc.get("accruals", {}).get(f"deal/{known['deal']}/referrer")
        return {**known, "reward": reward} if reward else known

    def holds(
        self,
        condition: Expression | None,
        run: Run | None = None,
        event: Doc | None = None,
        *,
        where: str = "",
    ) -> bool:
        """Return whether a condition holds; one that fails counts as false and leaves a fact."""
        if condition is None:
            return True
        try:
            return condition.evaluate(self.values(run, event)) is True
        except EvaluationError as error:
            self.fact("condition.failed", run=run, where=where or condition.text, error=str(error))
            return False

    def met(
        self, condition: Expression | None, run: Run, event: Doc | None = None, *, at: str
    ) -> bool:
        """Return whether a run's condition holds; one that does not is kept, with what it saw.

        `at` is `exit/NUMBER`, or the step's name.
        """
        if condition is None:
            return True
        values = self.values(run, event)
        try:
            operand = condition.false_operand(values)
        except EvaluationError as error:
            where = f"{run.workflow}/{at.partition('/')[0]}"
            self.fact("condition.failed", run=run, where=where, error=str(error))
            return False
        if operand is None:
            return True
        saw = condition.saw(operand, values)
        self.looked.append(unmet(run.workflow, run.version, operand, saw, at, run.id))
        return False

    def against(self, condition: Expression | None, *, where: str) -> str | None:
        """Return the part of a trigger's condition that is false; None where it holds."""
        if condition is None:
            return None
        try:
            return condition.false_operand(self.values())
        except EvaluationError as error:
            self.fact("condition.failed", where=where, error=str(error))
            return condition.text

    # -- timers ------------------------------------------------------------------------------

    def set_timer(
        self,
        kind: str,
        key: str,
        due: datetime,
        *,
        name: str,
        run: Run | None = None,
        subject: str = "",
    ) -> None:
        """Promise to wake this actor at `due`; setting a key again moves it."""
        timer = Timer(key, self.state.actor, due, name, kind, run.id if run else "", subject)
        self.state.timers[key] = timer
        self.changes.timers_cut.pop(key, None)
        self.changes.timers_set[key] = timer
        if kind not in SILENT_TIMERS:
            self.fact("timer.set", key, run=run, timer=name, due=iso(due))

    def cut_timer(self, key: str, reason: str) -> None:
        """Take a timer back; none of that key is no error."""
        timer = self.state.timers.pop(key, None)
        if timer is None:
            return
        self.changes.timers_set.pop(key, None)
        self.changes.timers_cut[key] = timer
        if timer.kind not in SILENT_TIMERS:
            run = self.state.runs.get(timer.run)
            self.fact(
                "timer.cancelled",
                key,
                run=run,
                timer=timer.name,
                due=iso(timer.due_at),
                reason=reason,
            )

    def cut_timers(self, reason: str, *, run: str = "", subject: str = "") -> None:
        """Take back every timer of a run that has no subject, or of a subject."""
        for key, timer in list(self.state.timers.items()):
            if (subject and timer.subject == subject) or (
                run and timer.run == run and not timer.subject
            ):
                self.cut_timer(key, reason)

    # -- runs --------------------------------------------------------------------------------

    def wake(self, run: str, step: str, outcome: Outcome, time: datetime) -> None:
        """Have a live run that waits in `step` go on with an outcome, once this is settled."""
        self.woken.append((run, step, outcome, time))

    def waiting_in(self, run: str, step: str) -> Run | None:
        """Return the run if it is live and waits in that step."""
        found = self.state.runs.get(run)
        if found is None or found.status != "live" or found.doc.get("at") != step:
            return None
        return found

    # -- what is written ---------------------------------------------------------------------

    def save_run(self, run: Run) -> None:
        """Have a run written."""
        self.changes.runs[run.id] = run

    def save_task(self, task: Task) -> None:
        """Have a task written."""
        self.changes.tasks[task.key] = task

    def forward(self, actor: str, event: Mapping[str, Any]) -> None:
        """Put an event into another actor's inbox, with this transaction."""
        self.changes.forwards.append(Forward(actor, dict(event)))

    def moved(self, run: Run, time: datetime) -> None:
        """Move the run's time on to what moved it; it never goes back."""
        before = run.doc.get("time")
        if before is None or instant(before) < time:
            run.doc["time"] = iso(time)


def _seen(doc: Doc, kind: str) -> list[Doc]:
    """Return what events of a type said that reached a run, the one that happened first first."""
    heard = (each for each in doc.get("heard", ()) if each["type"] == kind)
    return [each["data"] for each in sorted(heard, key=lambda each: instant(each["time"]))]
