"""What one record heard before a merge reaches the runs of the other: they were one person.

So a run that waits for three different reviews, or sums up reports, comes to the same whether
the merge is heard before them or after. An exit that looks back at what was seen is asked with
the next event that reaches the run; one by an event of the other record ends it from the merge
on: what happened before was somebody else's.
"""

from collections.abc import Iterable
from datetime import datetime

from workflows import lifecycle, looking_back
from workflows.state import Doc, Run, instant
from workflows.steps import waiting
from workflows.turn import Turn


def share(turn: Turn, ours: Iterable[Doc], theirs: Iterable[Doc], moved: Iterable[Run]) -> None:
    """Show each live run what only the other record heard since the run's trigger.

    Args:
        turn: The turn of who remains, after the runs of both live here.
        ours: What who remains heard before the merge.
        theirs: What the other record heard.
        moved: The runs that the other record brought along.
    """
    came = {run.id for run in moved}
    for run in list(turn.state.runs.values()):
        if run.status == "live":
            events = ours if run.id in came else theirs
            _show(turn, run, events)
            lifecycle.catch_up(turn, run, looking_back.missed(turn, run, events, turn.time))


def _show(turn: Turn, run: Run, events: Iterable[Doc]) -> None:
    heard = run.doc.get("heard", [])
    known = {(each["source"], each["id"]) for each in heard}
    more = [each for each in events
            if (each["source"], each["id"]) not in known and _reaches(turn, run, each)]  # fmt: skip
    if not more:
        return
    more.sort(key=_time)
    run.doc["heard"] = sorted([*heard, *more], key=_time)
    turn.save_run(run)
    for event in more:
        waiting.offer(turn, run, event)


def _reaches(turn: Turn, run: Run, event: Doc) -> bool:
    """Tell whether an event is one that the run keeps, since its trigger and about its `per`."""
    workflow, trigger = turn.programme.of(run), run.doc["trigger"]
    if event["type"] not in workflow.heard or _time(event) < _time(trigger):
        return False
    per = workflow.definition.run.per
    if per in ("contact", "account"):  # a firm's run heard its people all along
        return not (workflow.registered and run.per.startswith("account/"))
    said = event["data"].get(per)
    return said is None or said == trigger["data"].get(per)


def _time(event: Doc) -> datetime:
    return instant(str(event["time"]))
