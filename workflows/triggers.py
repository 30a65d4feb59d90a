"""A workflow's trigger looks at an event: a run is started, or why not is noted."""

from collections.abc import Callable

from workflows import account_runs, lifecycle, looking_back
from workflows.compiled import CompiledWorkflow
from workflows.records import refused_by
from workflows.state import Doc, instant
from workflows.turn import Turn


def look(
    turn: Turn, workflow: CompiledWorkflow, event: Doc, settle: Callable[[Turn], None]
) -> bool:
    """Start a run, or note why not; True where that is for the account to judge."""
    definition = workflow.definition
    against = turn.against(workflow.if_, where=f"{workflow.name}/trigger")
    if against is not None:
        # The record of who looked is where the fact `run.refused` stands.
        saw = workflow.if_.saw(against, turn.values()) if workflow.if_ else []
        turn.looked.append(refused_by(workflow.name, workflow.version, against, saw))
        return False
    per_name = definition.run.per
    per = (
        turn.state.actor
        if per_name in ("contact", "account")
        else str(event["data"].get(per_name, ""))
    )
    look: Doc = {"workflow": workflow.name, "version": workflow.version, "per": per}
    turn.looked.append(look)
    if workflow.registered and account_runs.account_of(turn):
        look["account"] = account_runs.account_of(turn)
        return True
    live = [
        run
        for run in turn.state.runs.values()
        if run.workflow == workflow.name and run.per == per and run.status == "live"
    ]
    ended = turn.doc.get("ended", {}).get(workflow.name, {}).get(per)
    again = definition.run.again
    if (live and again != "restart") or (again == "once" and ended):
        look["refused"] = "again"
        return False
    cooldown = definition.run.cooldown
    if cooldown and ended and not live and turn.time < turn.add(instant(ended), cooldown):
        look["refused"] = "cooldown"  # what is live has not ended: who restarts it need not wait
        return False
    told = looking_back.is_told(turn, event)
    overtaken = "" if told else looking_back.overtaking(live, turn.time)
    for run in live:
        if told or not looking_back.is_newer(run, turn.time):
            lifecycle.leave(turn, run, looking_back.RESTARTED)
            settle(turn)
    look["started"] = True
    seen = looking_back.past(workflow, event, per, turn.doc.get("recent", ()), told=told)
    run = lifecycle.start(turn, workflow, event, per, seen, overtaken)
    lifecycle.proceed(turn, run, workflow.first)
    settle(turn)
    return False
