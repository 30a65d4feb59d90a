"""A run goes on from an ask that turns out to have been closed otherwise, and earlier.

It takes the way of the new outcome as if it had taken it in time, and lives through what it
missed (`looking_back`). What it has done already on another way stays done: no step is taken
twice, and what it had queued there is dropped if it has not left.
"""

from copy import deepcopy

from workflows import looking_back
from workflows.nodes import Node
from workflows.state import Doc, Run, instant, iso
from workflows.steps.outcome import Outcome
from workflows.turn import Turn

_OF_WAITING = frozenset({"wait", "left", "paused", "ahead", "done", "undone"})
_LEAVES = frozenset({"wait", "wait_for"})
"""Steps that a live run goes back from: nobody but the run knows what it waits for there."""


def as_it_was(run: Run) -> Doc:
    """Return what is kept of a run in whose ask something may turn out otherwise."""
    doc = {name: value for name, value in run.doc.items() if name not in _OF_WAITING}
    return {
        "version": run.version, "per": run.per, "started_at": iso(run.started_at),
        "doc": deepcopy(doc),
    }  # fmt: skip


def run_of(turn: Turn, entry: Doc) -> Run | None:
    """Return the run of a closed ask, as it is or as it was; None where nobody knows it here."""
    live, was = turn.state.runs.get(entry["run"]), entry.get("was")
    if live is not None or was is None:
        return live
    if entry["actor"] != turn.state.actor or was["version"] not in turn.programme.versions:
        return None
    return Run(
        entry["run"], entry["actor"], entry["workflow"], was["version"], was["per"],
        instant(was["started_at"]), status="ended", doc=deepcopy(was["doc"]),
    )  # fmt: skip


def go_on(turn: Turn, entry: Doc, before: str, outcome: Outcome) -> None:
    """Have a run go on from its ask by another outcome than `before`."""
    run = run_of(turn, entry)
    if run is None:
        return
    node = turn.programme.of(run).nodes[entry["step"]]
    is_there = outcome.event is None and _way(node, before) == _way(node, outcome.name)
    if is_there and (run.status == "live" or not entry.get("left")):
        return  # nor can a condition tell by what it was closed
    if go_back(turn, entry):
        turn.wake(run.id, node.name, outcome, turn.time)


def go_back(turn: Turn, entry: Doc) -> bool:
    """Have a run wait in its ask again; False where it cannot."""
    run, left = run_of(turn, entry), entry.get("left")
    if run is None or "paused" in run.doc or turn.programme.of(run).registered:
        return False
    node, is_live = turn.programme.of(run).nodes[entry["step"]], run.status == "live"
    if is_live and not _can_leave(turn, run, node):
        return False
    if left and left["as"] not in {looking_back.RESTARTED, *_exits(turn, run)}:
        return False  # what ended it knows no time
    last = taken(run) if is_live else entry.get("last", {})
    known = {*entry["was"]["doc"].get("steps", {}), node.name}
    done = {
        name: said for name, said in last.items()
        if name not in known and said.get("reason") != "if"
    }  # fmt: skip
    if is_live:
        turn.cut_timers("went_back", run=run.id)
    run.status, run.ended_at, run.ended_as = "live", None, ""
    run.doc = {**deepcopy(entry["was"]["doc"]), "at": node.name, "wait": {"ask": entry["key"]}}
    if done:
        run.doc |= {"done": deepcopy(done), "undone": sorted(done)}
    turn.state.runs[run.id] = run
    _live_through(turn, run, left)
    turn.save_run(run)
    return True


def taken(run: Run) -> Doc:
    """Return what every step came to that a run has taken, on whatever way."""
    return {**run.doc.get("done", {}), **run.doc.get("steps", {})}


def _way(node: Node, outcome: str) -> str:
    return node.then.get(outcome, node.after)


def _can_leave(turn: Turn, run: Run, ask: Node) -> bool:
    """Tell whether a live run is past its ask, and waits for nothing but time or an event."""
    at = turn.programme.of(run).nodes.get(run.doc.get("at", ""))
    return at is not None and at.name != ask.name and at.verb in _LEAVES


def _exits(turn: Turn, run: Run) -> list[str]:
    return [leave.as_ for leave in turn.programme.of(run).exits]


def _live_through(turn: Turn, run: Run, left: Doc | None) -> None:
    """Have a run meet what happened since, which its exits or waits go by."""
    workflow, recent = turn.programme.of(run), [*turn.doc.get("recent", ())]
    if turn.event is not None and turn.event["type"] in workflow.left | workflow.heard:
        recent.append(turn.event)
    seen = looking_back.past(workflow, run.doc["trigger"], run.per, recent, told=False)
    heard = [*run.doc.get("heard", ()), *(each for each in seen if each["type"] in workflow.heard)]
    if heard:
        run.doc["heard"] = list({(each["source"], each["id"]): each for each in heard}.values())
    ahead = [
        each for each in seen
        if each["type"] in workflow.left and instant(each["time"]) >= turn.time
    ]  # fmt: skip
    if left and left["as"] == looking_back.RESTARTED:
        ahead.append({"type": "", "time": left["at"]})
    if ahead:
        run.doc["ahead"] = sorted(ahead, key=lambda each: instant(each["time"]))


def again(run: Run, name: str) -> Outcome | None:
    """Return what a step came to that the run had taken before it went back; None for others."""
    said = run.doc["done"].pop(name, None)
    if said is None:
        return None
    run.doc["undone"].remove(name)
    return Outcome(
        said["outcome"], reason=said.get("reason", ""), event=said.get("event"),
        amount=said.get("amount", 0), free_at=said.get("free_at", ""),
    )  # fmt: skip


def is_undone(run: Doc, key: str) -> bool:
    """Tell whether a message is of a step on a way that the run did not go after all."""
    return key.split("/")[1] in run.get("undone", ())
