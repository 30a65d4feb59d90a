"""Asks that are closed: the earliest word decides how, whatever is heard first.

Who answered an ask, did without a word what it asks for, or left the programme, did so at an
instant. A contact keeps how its last asks were closed; a word that is heard late, but is about
an earlier instant at which the ask was open, closes it anew. Then the cool-down and what was
refused are worked out again, in order of time, and the run goes on from there (`ask_reviving`).
"""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any

from workflows.state import Ask, Doc, Run, instant, iso
from workflows.steps import ask_reviving
from workflows.steps.outcome import Outcome
from workflows.turn import Turn

KEPT_MAX = 5
"""Closed asks that a contact remembers; the one that was closed first goes first."""
_FINAL = frozenset({"answered", "declined", "silent", "withdrawn"})
_SAID = ("cooling_until", "refused", "refused_at")
_WORDS = {"gladly": "answered", "not_now": "declined", "never": "declined"}

Reaches = Callable[[Turn, Run, Doc], bool]


# -- what is kept ----------------------------------------------------------------------------------


def keep(turn: Turn, ask: Ask, at: datetime) -> None:
    """Remember how an ask was closed, and let what follows for its contact follow."""
    if ask.status not in _FINAL:
        return
    past: list[Doc] = turn.doc.setdefault("asks_closed", [])
    run = turn.state.runs.get(ask.run)
    entry: Doc = {
        "key": ask.key, "actor": ask.actor, "run": ask.run, "workflow": ask.workflow,
        "step": ask.step, "kind": ask.kind, "touches": ask.touches, "doc": dict(ask.doc),
        "opened_at": iso(ask.opened_at) if ask.opened_at else "", "outcome": ask.status,
        "reason": ask.reason, "at": iso(at), "before": _known(turn.doc),
    }  # fmt: skip
    if run is not None:
        entry |= {"begun": run.doc["time"], "was": ask_reviving.as_it_was(run)}
    before = _told(turn, past)
    is_last = not past or at >= instant(past[-1]["at"])
    past.append(entry)
    if is_last:
        _follow(turn, entry, known := _known(turn.doc))
        _note(turn, known)
    else:
        _work_out(turn, before)
    del past[:-KEPT_MAX]


def over(turn: Turn, run: Run) -> None:
    """Remember of a run that ended what it had done since its ask was closed."""
    for entry in turn.doc.get("asks_closed", ()):
        if entry["run"] == run.id and "was" in entry:
            entry["last"] = deepcopy(ask_reviving.taken(run))
            gone = run.doc.get("left")
            entry["left"] = {"as": run.ended_as, "at": iso(turn.time)} if gone else None
            turn.save()


# -- what follows for the contact ------------------------------------------------------------------


def _known(doc: Mapping[str, Any]) -> Doc:
    return {name: doc[name] for name in _SAID if name in doc}


def _note(turn: Turn, known: Doc) -> None:
    for name in _SAID:
        if name in known:
            turn.doc[name] = known[name]
        else:
            turn.doc.pop(name, None)
    turn.save()


def _told(turn: Turn, past: list[Doc]) -> Doc:
    """Return what follows from all that was said, one after the other."""
    known = dict(past[0]["before"]) if past else {}
    for entry in past:
        entry["before"] = dict(known)
        _follow(turn, entry, known)
    return known


def _work_out(turn: Turn, before: Doc) -> None:
    """Work out anew what followed; what something else says of the contact stays."""
    past: list[Doc] = turn.doc["asks_closed"]
    base = past[0]["before"]
    past.sort(key=lambda each: instant(each["at"]))
    past[0]["before"] = base
    after, doc = _told(turn, past), turn.doc
    known = {n: after.get(n) if doc.get(n) == before.get(n) else doc.get(n) for n in _SAID}
    _note(turn, {name: value for name, value in known.items() if value is not None})


def _follow(turn: Turn, entry: Doc, known: Doc) -> None:
    """Let the cool-down follow, and what may be asked: of two refused, what is less counts."""
    until, policy = cooling(turn, entry["outcome"], instant(entry["at"])), turn.programme
    if until and ("cooling_until" not in known or instant(known["cooling_until"]) < until):
        known["cooling_until"] = iso(until)
    if entry["outcome"] == "declined":
        refused = str(known.get("refused", ""))
        if not refused or policy.rung(entry["kind"]) <= policy.rung(refused):
            known["refused"] = entry["kind"]
        known["refused_at"] = entry["at"]
    elif entry["outcome"] == "answered":
        known.pop("refused", None)


def cooling(turn: Turn, outcome: str, at: datetime) -> datetime | None:
    """Return until when nothing is asked after an outcome; None where that starts no cool-down."""
    span = getattr(turn.programme.policies.asks.cooldown, outcome, "")
    return turn.add(at, span) if span else None


# -- what is heard late ----------------------------------------------------------------------------


def _open_at(turn: Turn, at: datetime) -> Iterator[Doc]:
    """Give the closed asks that were open at an instant, as far as was known then."""
    for entry in list(turn.doc.get("asks_closed", ())):
        if at < instant(entry["at"]) and "begun" in entry and instant(entry["begun"]) <= at:
            yield entry


def answered(turn: Turn, event: Doc) -> bool:
    """Close an ask by an answer that came before what had closed it; True if it did."""
    data = event["data"]
    for entry in turn.doc.get("asks_closed", ()):
        on_time = turn.time < instant(entry["at"]) or (
            entry["outcome"] == "silent" and turn.time == instant(entry["at"])
        )
        if entry["key"] == data["ask"] and on_time and data["answer"] in _WORDS:
            outcome = _WORDS[data["answer"]]
            reason = data["answer"] if outcome == "declined" else ""
            _close(turn, entry, outcome, reason, event)
            return True
    return False


def reopened(turn: Turn, event: Doc) -> Ask | None:
    """Return an ask that was not silent after all: *later* was said in time. None for others."""
    for entry in turn.doc.get("asks_closed", ()):
        if entry["key"] != event["data"]["ask"] or entry["outcome"] != "silent":
            continue
        if turn.time > instant(entry["at"]) or turn.state.asks or entry["actor"] != _me(turn):
            return None
        if event["data"]["answer"] != "later" or not ask_reviving.go_back(turn, entry):
            return None
        past = turn.doc["asks_closed"]
        before = _told(turn, past)
        entry |= {"outcome": "withdrawn", "at": past[0]["at"]}  # nothing follows from it
        _work_out(turn, before)
        turn.doc["asks_closed"] = [each for each in past if each is not entry]
        ask = _row(entry, "open", None, "", None)
        turn.state.asks[ask.key] = turn.changes.asks[ask.key] = ask
        return ask
    return None


def _me(turn: Turn) -> str:
    return turn.state.actor


def withdrawn(turn: Turn, reason: str, at: datetime) -> None:
    """Withdraw the ask that was open when its contact could be asked no longer."""
    for entry in _open_at(turn, at):
        now, turn.time = turn.time, at
        _close(turn, entry, "withdrawn", reason, None)
        turn.time = now


def hear(turn: Turn, event: Doc, reaches: Reaches) -> None:
    """Let an event close the ask that was open when it happened: by an exit, or as done."""
    for entry in _open_at(turn, instant(event["time"])):
        run = ask_reviving.run_of(turn, entry)
        if run is None or not reaches(turn, run, event):
            continue
        if instant(event["time"]) < instant(run.doc["trigger"]["time"]):
            continue
        leaves = (
            leave.as_
            for leave in turn.programme.of(run).exits
            if event["type"] in leave.types
            and turn.holds(leave.if_, run, event, where=f"{run.workflow}/exit")
        )
        if as_ := next(leaves, ""):
            _close(turn, entry, "withdrawn", as_, None, goes_on=False)
        elif any(
            doing.kind == entry["kind"] and turn.holds(doing.if_, run, event, where="asks.ladder")
            for doing in turn.programme.doing.get(event["type"], ())
        ):
            _close(turn, entry, "answered", "", event)


def _close(
    turn: Turn, entry: Doc, outcome: str, reason: str, event: Doc | None, *, goes_on: bool = True
) -> None:
    """Close an ask as the earlier word says; nobody is told again what they were told."""
    before, was = _told(turn, turn.doc["asks_closed"]), entry["outcome"]
    entry |= {"outcome": outcome, "reason": reason, "at": iso(turn.time)}
    _work_out(turn, before)
    until = cooling(turn, outcome, turn.time)
    if entry["actor"] == turn.state.actor:
        turn.changes.asks[entry["key"]] = _row(entry, outcome, turn.now, reason, until)
    run = ask_reviving.run_of(turn, entry)
    if outcome != was:
        turn.fact(
            f"ask.{outcome}", entry["key"], run=run, step=entry["step"], ask=entry["key"],
            kind=entry["kind"], touch=entry["touches"], reason=reason or None,
            answer={"answered": "gladly", "declined": reason}.get(outcome),
            cooling_until=iso(until) if until else None,
        )  # fmt: skip
    if goes_on and run is not None:
        brief = event and {name: event[name] for name in ("type", "time", "data")}
        found = Outcome(outcome, reason=reason, event=brief)
        ask_reviving.go_on(turn, entry, was, found)


def _row(
    entry: Doc, status: str, closed_at: datetime | None, reason: str, until: datetime | None
) -> Ask:
    """Return the row of an ask that was closed."""
    opened_at = instant(entry["opened_at"]) if entry["opened_at"] else None
    return Ask(
        entry["key"], entry["actor"], entry["run"], entry["workflow"], entry["step"],
        entry["kind"], status, opened_at, closed_at, entry["touches"], reason, until,
        dict(entry["doc"]),
    )  # fmt: skip
