"""What one input's turn gathers: whose it is, what happened, what is to be written.

The first half of `turn.Turn`: facts, events and rows; nothing here judges or reads a clock.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from workflows.adopted import ADOPTED
from workflows.compiled import Programme
from workflows.durations import add_span, parse_span, subtract_span
from workflows.expressions import Activation
from workflows.state import (
    Changes,
    Doc,
    Forward,
    Page,
    Run,
    State,
    Task,
    instant,
    iso,
)
from workflows.steps.outcome import Outcome
from workflows.wallclock import zone_or


@dataclass(slots=True)
class Scratch:
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
    meets: bool = False  # a task was opened that is older than a merge
    saved: bool = False  # the document was changed
    doubted: datetime | None = None  # since then what was judged must be judged again
    members: tuple[str, ...] = ()
    adopted: bool = False  # the fact in hand is about a task whose referrer was forgotten
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
        of = run.doc["trigger"] if run is not None else self.event
        if self.adopted or (of is not None and ADOPTED in of):
            event[ADOPTED] = True
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

    def doubt(self, since: datetime) -> None:
        """Have what was judged of this contact since an instant judged again, after all of this."""
        if self.doubted is None or since < self.doubted:
            self.doubted = since

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
