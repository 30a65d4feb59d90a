"""What is known of an id as people read it, line by line: for a terminal and for a page."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from workers.cells import cell
from workers.explanation import Explanation
from workers.sentences import because
from workers.standing import awaited, held
from workers.telling import Teller
from workflows.state import instant
from workflows.steps.calling import is_call
from workflows.syncs import is_sync


def runs_named(found: Explanation) -> set[str]:
    """Return the runs that an explanation tells of: their versions say where rules stand."""
    named = {str(row.get("run") or "") for row in found.timeline if row["kind"] == "fact"}
    return (named | {str(found.row.get("run") or "")}) - {""}


# -- what it is ------------------------------------------------------------------------------------


def lines_of(found: Explanation, teller: Teller, now: datetime) -> Iterator[str]:
    """Give what an id is now, and all that happened to it, a line each."""
    yield from _HEADINGS[found.kind](found.row, teller)
    if found.kind == "contact":
        yield from (f"  {line}" for line in held(found.row, teller.when, now))
    if found.kind == "event":
        yield from _event(found, teller)
        return
    yield from _timeline(found, teller)


def _of_event(row: dict[str, Any], teller: Teller) -> Iterator[str]:
    whom = row["contact"] or row["doc"].get("account") or "nobody"
    yield f"event {row['type']} of {whom}, from {row['source']}"
    yield f"  happened  {teller.when(row['time'])}"
    yield f"  arrived   {teller.when(row['arrived'])}"
    data = row["doc"].get("data", {})
    width = max((len(name) for name in data), default=0)
    for name, value in data.items():
        yield f"    {name:{width}}  {cell(value)}"


def _of_reject(row: dict[str, Any], teller: Teller) -> Iterator[str]:
    where = f" ({row['field']})" if row["field"] else ""
    yield f"event {row['type'] or 'of no known type'} from {row['source'] or 'an unknown source'}"
    yield f"  {row['verdict']} on {teller.when(row['at'])}: {row['reason']}{where}"
    yield "  nothing else came of it; docs/errors.md says what the reason means"


def _of_run(row: dict[str, Any], teller: Teller) -> Iterator[str]:
    trigger = row["doc"].get("trigger", {})
    yield f"run of {row['workflow']} for {_whom(row['actor'])}"
    yield f"  by {teller.origin(row['workflow'], row['version'])}"
    yield f"  started by {trigger.get('type', '?')} {trigger.get('id', '')}".rstrip()
    if row["status"] == "ended":
        yield f"  ended as {row['ended_as']}"
        return
    doc = row["doc"]
    paused = doc.get("paused", {})
    step = paused.get("outcome", {}).get("step") or doc.get("at", "")
    yield f'  stands in "{step}" ({teller.place(row["version"], step)})'
    if paused:
        yield f"  is paused since {teller.when(paused['at'])}, by {paused['by']}"
    if "outcome" in paused:
        said = paused["outcome"]
        since = teller.when(said["time"])
        yield f"  goes on, once resumed, from {said['outcome']['name']} on {since}"
    what = next(iter(doc.get("wait", {}).items()), None)
    if what is not None:
        yield f"  waits for {awaited(*what)}"


def _of_task(row: dict[str, Any], teller: Teller) -> Iterator[str]:
    doc = row["doc"]
    yield f"task “{row['title']}”, about {_whom(row['actor'])}"
    yield f"  {row['status']}, due {teller.when(row['due_at'])}"
    via = f", through {doc['via']}" if doc.get("via") not in {None, "", row["assignee"]} else ""
    yield f"  {row['assignee'] or 'nobody'} has it{via}, as {row['role']}"
    if doc.get("version"):
        yield f"  by {teller.origin(row['workflow'], doc['version'], row['step'])}"
    if doc.get("requires"):
        yield f"  closing it requires {', '.join(doc['requires'])}"


def _of_ask(row: dict[str, Any], teller: Teller) -> Iterator[str]:
    yield f"{row['kind']} ask to {_whom(row['actor'])}, by {row['workflow']}"
    yield from teller.origin_of(row)
    yield f"  {row['status']} after {row['touches']} messages{because(row['reason'])}"
    if row["cooling_until"]:
        yield f"  no other ask until {teller.when(row['cooling_until'])}"


def _of_message(row: dict[str, Any], teller: Teller) -> Iterator[str]:
    by = f", by {row['workflow']}" if row["workflow"] else ""
    if is_sync(row["to"]):
        yield f"what {row['template']} is to be told of {_whom(row['actor'])}{by}"
    elif is_call(row["to"]):
        yield f"call of the endpoint {row['template']} about {_whom(row['actor'])}{by}"
    else:
        yield f"message {row['template']} ({row['class']}) to {_whom(row['to'])}{by}"
    yield from teller.origin_of(row)
    planned = teller.when(row["planned_at"])
    said = f"  {row['status'].replace('_', ' ')}, planned for {planned}"
    yield said + (because(row["reason"]) if row["status"] != "sent" else "")
    if row["channel"]:
        yield f"  {row['channel']}, attempt {row['attempts']}, {row['message_id'] or 'no id'}"


def _of_contact(row: dict[str, Any], teller: Teller) -> Iterator[str]:
    name = f" {row['name']}," if row.get("name") else ""
    yield f"contact{name} {row['id']}"
    nps = row.get("nps", {})
    if nps.get("band"):
        yield f"  {nps['band']}: gave {nps.get('score')} on {teller.when(nps['at'])}"
    if row.get("owner"):
        yield f"  looked after by {row['owner']}"
    if row.get("participant_since"):
        yield f"  takes part since {teller.when(row['participant_since'])}"
    balance = {kind: amount for kind, amount in row.get("balance", {}).items() if amount}
    if balance:
        yield f"  has {', '.join(f'{amount} {kind}' for kind, amount in balance.items())}"


_HEADINGS = {
    "event": _of_event,
    "reject": _of_reject,
    "run": _of_run,
    "task": _of_task,
    "ask": _of_ask,
    "message": _of_message,
    "contact": _of_contact,
}


def _whom(actor: str) -> str:
    return actor.removeprefix("contact/").removeprefix("staff/")


# -- what happened ---------------------------------------------------------------------------------


def _event(found: Explanation, teller: Teller) -> Iterator[str]:
    inputs = [row for row in found.timeline if row["kind"] == "input"]
    if aside := found.row.get("set_aside"):
        yield f"it was set aside: {aside['error']}"
        yield f"  help: mend that, then vouch dead replay {aside['seq']}"
        return
    if not inputs and "emptied" in found.row["doc"]:
        yield "what came of it is known no longer: it is older than VOUCH_RETENTION_DAYS keeps"
        return
    if not inputs:
        yield "no worker has handled it yet, or it was set aside: vouch doctor, vouch dead list"
        return
    looks = [look for row in inputs for look in row["looked"] if "idle" not in look]
    yield "who looked at it" if looks else f"no workflow starts by {found.row['type']}"
    for look in looks:
        yield f"  {teller.look(look, found.row['doc'])}"
    facts = [row for row in found.timeline if row["kind"] == "fact"]
    told = [
        f"  {teller.look(look, {})}" for row in inputs for look in row["looked"] if "idle" in look
    ]
    told += _facts(facts, teller)
    gathered = found.row.get("gathered_until")
    if told or not gathered:
        yield "what came of it" if told else "nothing came of it"
    yield from told
    if gathered:
        until = teller.when(instant(gathered))
        yield f"its moment is gathered with others until {until}; then the best is chosen"
    runs = dict.fromkeys(row["key"] for row in facts if row["fact"] == "run.started")
    for run in runs:
        yield f"how it went on: vouch explain {run}"


def _timeline(found: Explanation, teller: Teller) -> Iterator[str]:
    """Give facts with their times, and before those of an event a line about it."""
    for row in found.timeline:
        if row["kind"] == "fact":
            yield from _facts([row], teller)
            continue
        if row["is_event"]:
            yield f"{teller.when(row['at'])}  {row['type']} {row['cause']}"
            for look in row["looked"]:
                yield f"  {teller.look(look, {})}"


def _facts(facts: list[dict[str, Any]], teller: Teller) -> Iterator[str]:
    for fact in facts:
        yield from teller.fact(fact)
