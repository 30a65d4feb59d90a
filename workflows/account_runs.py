"""Runs that the contacts of an account share (`run: {per: account}`): one live at a time.

The account's own actor keeps the register: who has the run, what waits to be judged. A
contact tells it every event that such a workflow may react to and, where the trigger's `if`
holds, that a run is wanted. The register judges `again` and `cooldown` in the order in which
it hears, and has the run begin with the contact whose event it was: there live its asks, its
tasks and its timers, so that a contact still has one open ask. What reaches the run, from
whichever contact, comes through the register too: one order for the whole account.

Nothing here is touched where no workflow of the programme is `per: account`.
"""

from collections.abc import Callable

from workflows import lifecycle, looking_back
from workflows.compiled import CompiledWorkflow
from workflows.state import Doc, Run, instant
from workflows.turn import Turn

Show = Callable[[Turn, Run, Doc], None]
"""Shows an event to a run: its exits, its open task, its waiting step; and settles."""

QUEUE_MAX = 100
"""Events that may wait for the answer of the contact who has the run; more start nothing."""
LOOK_BACK_MAX = 50
"""Events an account remembers for runs that a late trigger starts."""


def account_of(turn: Turn) -> str:
    """Return the account's actor; '' for a contact of no account, who counts for themselves."""
    if not turn.contact:
        return turn.state.actor if turn.state.actor.startswith("account/") else ""
    account = turn.doc.get("account", "")
    return f"account/{account}" if account else ""


# -- at the contact --------------------------------------------------------------------------------


def tell(turn: Turn, event: Doc, wanted: list[str]) -> None:
    """Tell the account what its runs may react to, and which of its workflows want a run."""
    names = turn.programme.shared.get(event["type"])
    account = account_of(turn)
    if not names or not account:
        return
    data: Doc = {"workflows": list(names), "wanted": wanted, "event": event}
    if looking_back.is_told(turn, event):
        data["told"] = True
    _forward(turn, account, "account.heard", data, turn.depth)


def begin(turn: Turn, message: Doc, show: Show) -> None:
    """Begin the run here: it was this contact's event."""
    data = message["data"]
    event, workflow = data["event"], turn.programme.workflows.get(data["workflow"])
    if workflow is None:  # taken out of the programme meanwhile
        lifecycle.tell_over(turn, data["account"], data["workflow"], data["run"], event["time"])
        return
    _look_at(turn, event)
    overtaken = data.get("overtaken", "")
    run = lifecycle.start(turn, workflow, event, data["account"], data["heard"], overtaken)
    if run.id != data["run"]:  # the contact was merged meanwhile: the run begins with this one
        now = {"workflow": run.workflow, "run": data["run"], "now": run.id}
        said = {**now, "host": turn.state.actor, "event": event}
        _forward(turn, data["account"], "run.moved", said, turn.depth)
    lifecycle.proceed(turn, run, workflow.first)


def offered(turn: Turn, message: Doc, show: Show) -> None:
    """Show the run here what a contact of its account did."""
    data = message["data"]
    event, run = data["event"], turn.state.runs.get(data["run"])
    _look_at(turn, event)
    if run is not None and run.status == "live":
        show(turn, run, event)
    _answer(turn, data)


def left(turn: Turn, message: Doc, show: Show) -> None:
    """End the run here: another trigger restarts it elsewhere."""
    data = message["data"]
    run = turn.state.runs.get(data["run"])
    _look_at(turn, data["event"])
    if run is not None:
        lifecycle.leave(turn, run, data["as"])
    _answer(turn, data)


def _answer(turn: Turn, data: Doc) -> None:
    if data["answer"]:
        event = {name: data["event"][name] for name in ("id", "source", "time")}
        said = {"workflow": data["workflow"], "event": event}
        _forward(turn, data["account"], "run.judged", said, turn.depth)


def _look_at(turn: Turn, event: Doc) -> None:
    turn.event, turn.time = event, instant(event["time"])
    turn.look_afresh()


# -- at the account --------------------------------------------------------------------------------


def heard(turn: Turn, message: Doc, show: Show) -> None:
    """Take what a contact of the account, or the account itself, tells."""
    data = message["data"]
    event = data["event"]
    _look_at(turn, event)
    if message["contact"]:
        for run in list(turn.state.runs.values()):
            if _is_own(turn, run, event):
                show(turn, run, event)
        _remember(turn, event)
    host = f"contact/{message['contact']}" if message["contact"] else turn.state.actor
    for name in data["workflows"]:
        workflow = turn.programme.workflows.get(name)
        if workflow is None or not workflow.registered:
            continue
        said = {"event": event, "host": host, "wanted": name in data["wanted"],
                "depth": turn.depth, "told": data.get("told", False)}  # fmt: skip
        entry = turn.doc.setdefault("register", {}).setdefault(name, {})
        if "judging" in entry and len(entry.setdefault("queue", [])) < QUEUE_MAX:
            entry["queue"].append(said)
        elif "judging" in entry:
            _refuse(turn, workflow, said, "again")
        else:
            _take(turn, workflow, entry, said)
        turn.save()


def _is_own(turn: Turn, run: Run, event: Doc) -> bool:
    """Tell whether a run of the account itself, which no contact shares, may react."""
    workflow = turn.programme.of(run)
    if run.status != "live" or workflow.registered or event["type"] not in workflow.hears:
        return False
    per = workflow.definition.run.per
    said = None if per in ("contact", "account") else event["data"].get(per)
    return said is None or said == run.doc["trigger"]["data"].get(per)


def judged(turn: Turn, message: Doc, show: Show) -> None:
    """Go on: the contact who has the run, or had it, has done what it was told."""
    name = message["data"]["workflow"]
    workflow = turn.programme.workflows.get(name)
    entry = turn.doc.get("register", {}).get(name, {})
    said = entry.pop("judging", None)
    turn.save()
    if workflow is None:
        entry.pop("queue", None)
        return
    if said is not None:
        _judge(turn, workflow, entry, said)
    while entry.get("queue") and "judging" not in entry:
        _take(turn, workflow, entry, entry["queue"].pop(0))


def over(turn: Turn, message: Doc, show: Show) -> None:
    """Note that the run has ended, and when its time was."""
    data = message["data"]
    entry = turn.doc.setdefault("register", {}).setdefault(data["workflow"], {})
    if entry.get("run") != data["run"]:
        return
    del entry["run"]
    entry["ended"] = data["time"]
    turn.save()


def moved(turn: Turn, message: Doc, show: Show) -> None:
    """Note that the run lives with another contact now: theirs was merged into it."""
    data = message["data"]
    entry = turn.doc.get("register", {}).get(data["workflow"], {})
    if entry.get("run") == data["run"]:
        entry |= {"run": data["now"], "host": data["host"]}
        turn.save()


def _take(turn: Turn, workflow: CompiledWorkflow, entry: Doc, said: Doc) -> None:
    """Show the run what it hears; judge what is wanted only when that has been done."""
    if entry.get("run") and said["event"]["type"] in workflow.hears:
        if said["wanted"]:
            entry["judging"] = said
        _to_run(turn, workflow, entry, "run.offered", said)
    elif said["wanted"]:
        _judge(turn, workflow, entry, said)


def _judge(turn: Turn, workflow: CompiledWorkflow, entry: Doc, said: Doc) -> None:
    """Begin a run, or say why not: first `again`, then `cooldown`, which binds no restart."""
    policy, event = workflow.definition.run, said["event"]
    _look_at(turn, event)
    live, ended = entry.get("run"), entry.get("ended")
    if (live and policy.again != "restart") or (policy.again == "once" and ended):
        _refuse(turn, workflow, said, "again")
    elif live and not said.get("told") and turn.time < instant(entry.get("since", event["time"])):
        _begin(turn, workflow, entry, said, overtaken=entry["since"])
    elif live:
        entry["judging"] = said | {"restarts": True}
        _to_run(turn, workflow, entry, "run.left", said)
    elif _cools(turn, policy.cooldown, ended) and not said.get("restarts"):
        _refuse(turn, workflow, said, "cooldown")
    else:
        _begin(turn, workflow, entry, said)
    turn.save()


def _cools(turn: Turn, cooldown: str, ended: str | None) -> bool:
    """Tell whether the last run with this key ended too short a time ago."""
    return bool(cooldown and ended and turn.time < turn.add(instant(ended), cooldown))


def _begin(
    turn: Turn, workflow: CompiledWorkflow, entry: Doc, said: Doc, *, overtaken: str = ""
) -> None:
    """Have a run begin; one that is overtaken, by a newer trigger, does not take its place."""
    event, account = said["event"], turn.state.actor
    run = lifecycle.run_id(said["host"], workflow.name, account, event["source"], event["id"])
    if not overtaken:
        entry |= {"run": run, "host": said["host"], "since": event["time"]}
    past = looking_back.past(
        workflow, event, account, turn.doc.get("recent", ()), told=bool(said.get("told"))
    )
    data = {"workflow": workflow.name, "account": account, "run": run, "heard": past}
    if overtaken:
        data["overtaken"] = overtaken
    _forward(turn, said["host"], "run.begin", {**data, "event": event}, said["depth"])


def _to_run(turn: Turn, workflow: CompiledWorkflow, entry: Doc, kind: str, said: Doc) -> None:
    data = {
        "workflow": workflow.name, "account": turn.state.actor, "run": entry["run"],
        "event": said["event"], "answer": said["wanted"], "as": "restarted",
    }  # fmt: skip
    _forward(turn, entry["host"], kind, data, said["depth"])


def _refuse(turn: Turn, workflow: CompiledWorkflow, said: Doc, reason: str) -> None:
    """Note the fact `run.refused`, of the contact whose event it was."""
    turn.looked.append({
        "workflow": workflow.name, "version": workflow.version, "per": turn.state.actor,
        "refused": reason, "contact": said["event"].get("contact", ""),
    })  # fmt: skip


def _remember(turn: Turn, event: Doc) -> None:
    if event["type"] not in turn.programme.heard:
        return
    recent = turn.doc.setdefault("recent", [])
    recent.append({key: event[key] for key in ("id", "source", "type", "time", "data")})
    del recent[:-LOOK_BACK_MAX]
    turn.save()


def _forward(turn: Turn, actor: str, kind: str, data: Doc, depth: int) -> None:
    """Put a message of the register into an inbox: under the event's id, so that it is explained.

    It bears how long its chain of facts is: what goes round in a circle between contacts of
    an account ends as a dead letter, like what goes round in one.
    """
    event, (whose, _, name) = data["event"], actor.partition("/")
    contact = turn.contact if kind == "account.heard" else name if whose == "contact" else ""
    mark = f"vouch/{kind}/{data.get('workflow', '')}/{event['source']}"
    turn.forward(actor, {
        "id": event["id"], "source": mark, "type": kind, "fact": True, "time": event["time"],
        "contact": contact, "depth": depth + 1, "data": data,
    })  # fmt: skip


HANDLERS: dict[str, Callable[[Turn, Doc, Show], None]] = {
    "account.heard": heard,
    "run.begin": begin,
    "run.offered": offered,
    "run.left": left,
    "run.judged": judged,
    "run.over": over,
    "run.moved": moved,
}
"""What the register and the contacts of an account say to each other, by type."""
