"""One input's turn on one actor: what the engine knows and everything it decides.

Steps and rules call a `Turn` to state facts, set and cut timers, queue messages. It works
on the actor's `State` in memory and gathers `Changes`; nothing here reads a clock.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workflows.adopted import ADOPTED, nobody, referral_of
from workflows.expressions import Activation, EvaluationError, Expression, activation
from workflows.records import unmet
from workflows.scratch import Scratch
from workflows.state import (
    Doc,
    Run,
    Timer,
    instant,
    iso,
)
from workflows.steps.outcome import Outcome

CHAIN_MAX = 16
"""How long a chain of facts in one instant may be; then the input is a dead letter."""

SILENT_TIMERS = frozenset(
    {"due", "unassigned", "queue", "snooze", "park", "attribution", "moments", "schedule"}
    | {"expiry", "lower", "freeze", "draw", "gifts"}
)
"""Kinds of timers that are not told as facts: what they do is."""


@dataclass(slots=True)
class Turn(Scratch):
    """The scratch of one input, and what conditions, timers and runs make of it."""

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
        about = self.event if run is None else run.doc["trigger"]
        if about is not None and ADOPTED in about:  # its contact was forgotten
            values |= {"contact": nobody(self.programme.policies.locales[0]), "account": {}}
        return values

    def referral_of(self, trigger: Doc) -> Doc | None:
        """Return the referral a trigger carried, as it is now if this contact is its referrer."""
        referral = trigger.get("referral")
        if referral is None:
            return None
        if ADOPTED in trigger:
            return referral_of(self.doc, referral)
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


def _seen(doc: Doc, kind: str) -> list[Doc]:
    """Return what events of a type said that reached a run, the one that happened first first."""
    heard = (each for each in doc.get("heard", ()) if each["type"] == kind)
    return [each["data"] for each in sorted(heard, key=lambda each: instant(each["time"]))]
