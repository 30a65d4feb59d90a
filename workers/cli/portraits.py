"""A contact, and a run, as people read them: by the programme's clock, what matters first.

What the engine keeps for itself is left out; `--format json` has all of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from workers.cells import cell
from workers.cli.tables import fields, table
from workers.clock import SystemClock
from workers.sentences import because, when
from workers.standing import awaited, held
from workflows.compiled import Programme
from workflows.syncs import is_sync

Row = Mapping[str, Any]
Rows = Sequence[Row]

DUE_MAX = 10
"""Things that are due next on one page."""
WIDTH = 100


@dataclass(frozen=True, slots=True)
class Painter:
    """What a page is written by: the clock, the currency, the fields of the programme's own.

    Attributes:
        now: Whatever lies before it is not said to be to come.
    """

    zone: ZoneInfo
    now: datetime
    programme: Programme | None = None

    def when(self, at: Any) -> str:  # noqa: ANN401 - an instant, its text, or nothing
        """Return an instant by the programme's clock."""
        return when(at, self.zone) if at else ""

    def amount(self, amount: int) -> str:
        """Return an amount as it is said: 1250 of a currency in hundredths is 12.50."""
        currency = self.programme and self.programme.policies.rewards.currency
        if not currency:
            return str(amount)
        whole, rest = divmod(abs(amount), 10**currency.decimals)
        broken = f".{rest:0{currency.decimals}}" if currency.decimals else ""
        return (
            f"{'-' if amount < 0 else ''}{whole}{broken} {currency.names.get('en', currency.code)}"
        )

    def own_fields(self) -> tuple[str, ...]:
        """Return the names of the fields that the programme adds to a contact."""
        return tuple(self.programme.policies.fields.contact) if self.programme else ()


def painter_of(programme: Programme | None) -> Painter:
    """Return what pages of a programme's contacts and runs are written by."""
    zone = programme.zone if programme else ZoneInfo("UTC")
    return Painter(zone, SystemClock().now(), programme)


# -- a contact -------------------------------------------------------------------------------------


def contact(doc: Row, parts: Mapping[str, Rows], painter: Painter) -> Iterator[str]:
    """Give the page of a contact: who it is, what holds it back, what is open and comes next."""
    yield f"{cell(doc.get('name') or doc.get('email') or doc['id'])} ({doc['id']})"
    yield from _indented(fields(_known(doc, painter)))
    yield from _section("held back", list(held(doc, painter.when, painter.now)))
    yield from _section("consent", _consents(parts["consents"], painter))
    yield from _section("recommended", _referrals(doc, painter))
    yield from _section("rewards", _rewards(doc, painter))
    yield from _section("open asks", _asks(parts["asks"], painter))
    yield from _section("open tasks", _tasks(parts["tasks"], painter))
    yield from _section("runs under way", _live(parts["runs"], painter))
    yield from _section("due next", due(parts["timers"], parts["messages"], parts["runs"], painter))
    yield from _section("runs that ended", _ended(parts["runs"], painter))
    yield from _section("what they said of consent", _history(parts["consent_history"], painter))
    yield from ("", f"all that happened: vouch explain {doc['id']}")


def _known(doc: Row, painter: Painter) -> dict[str, Any]:
    """Return who a contact is, a line each."""
    nps, balance = doc.get("nps", {}), doc.get("balance", {})
    own = {name: cell(doc.get(name), bound=0) for name in painter.own_fields()}
    said = {name: nps[name] for name in ("improve", "comment") if nps.get(name)}
    score = f"{nps['score']}, {nps['band']}, on {painter.when(nps['at'])}" if nps.get("at") else ""
    money = [f"{painter.amount(n)} {kind}" for kind, n in balance.items() if n]
    return {
        "email": doc.get("email"), "phone": doc.get("phone"), "account": doc.get("account"),
        "owner": doc.get("owner"), "locale": doc.get("locale"), "zone": doc.get("zone"),
        "segments": cell(doc.get("segments")), "also": cell(doc.get("aliases")),
        "merged into": doc.get("merged_into"), "erased": painter.when(doc.get("erased_at")),
        "score": score, **said, "takes part since": painter.when(doc.get("participant_since")),
        "tier": doc.get("tier"), "balance": ", ".join(money), "codes": cell(doc.get("codes")),
        **own,
    }  # fmt: skip


def _consents(rows: Rows, painter: Painter) -> list[str]:
    told = [{**row, "since": painter.when(row["at"])} for row in rows]
    return (
        table(told, ("channel", "topic", "granted", "since"), key="", width=WIDTH) if told else []
    )


def _referrals(doc: Row, painter: Painter) -> list[str]:
    found = []
    for each in doc.get("referrals", {}).values():
        lead = each["lead"]
        name = cell(lead.get("name") or lead["id"])
        at = painter.when(each.get("stage_at") or each.get("submitted_at"))
        stage = each["stage"] if each["verdict"] == "accepted" else each["verdict"]
        found.append(f"{name} ({lead['id']}): {stage} on {at}{because(each.get('reason') or '')}")
    return found


def _rewards(doc: Row, painter: Painter) -> list[str]:
    found = []
    for reason, each in doc.get("accruals", {}).items():
        what = each["benefit"] or painter.amount(each["amount"])
        free = f", free {painter.when(each['free_at'])}" if each["state"] == "pending" else ""
        found.append(f"{what} for {reason}: {each['state']}{free} (entry {each['entry']})")
    return found


def _asks(rows: Rows, painter: Painter) -> list[str]:
    told = [
        {**row, "opened": painter.when(row["opened_at"]) or "not yet"}
        for row in rows
        if row["closed_at"] is None
    ]
    names = ("opened", "kind", "status", "touches", "key")
    return table(told, names, key="key", width=WIDTH) if told else []


def _tasks(rows: Rows, painter: Painter) -> list[str]:
    told = [
        {**row, "due": painter.when(row["due_at"]), "late": row["due_at"] < painter.now or None}
        for row in rows
        if row["status"] == "open"
    ]
    names = ("due", "late", "assignee", "title", "key")
    return table(told, names, key="key", width=WIDTH) if told else []


def _live(rows: Rows, painter: Painter) -> list[str]:
    told = [
        {**row, "started": painter.when(row["started_at"])}
        for row in rows
        if row["status"] != "ended"
    ]
    names = ("started", "workflow", "status", "step", "id")
    return table(told, names, key="id", width=WIDTH) if told else []


def _ended(rows: Rows, painter: Painter) -> list[str]:
    told = [
        {**row, "ended": painter.when(row["ended_at"]), "as": row["ended_as"]}
        for row in rows
        if row["status"] == "ended"
    ]
    return table(told, ("ended", "workflow", "as", "id"), key="id", width=WIDTH) if told else []


def _history(rows: Rows, painter: Painter) -> list[str]:
    told = [{**row, "at": painter.when(row["at"])} for row in rows]
    names = ("at", "what", "channel", "topic", "text_version", "source")
    return table(told, names, key="source", width=WIDTH) if told else []


# -- a run -----------------------------------------------------------------------------------------


def run(row: Row, parts: Mapping[str, Rows], painter: Painter, place: str) -> Iterator[str]:
    """Give the page of a run: what began it, where it stands, what its steps came to.

    `place` is where the step stands in the file of the version that the run has.
    """
    trigger = row["doc"].get("trigger", {})
    yield f"{row['workflow']} for {_whom(row['actor'])} ({row['id']})"
    yield from _indented(fields(_stand(row, painter, place)))
    yield from _section(f"began by {trigger.get('type', '?')}", _trigger(trigger, painter))
    yield from _section("steps", _steps(row["doc"].get("steps", {}), painter))
    yield from _section("open asks", _asks(parts["asks"], painter))
    yield from _section("open tasks", _tasks(parts["tasks"], painter))
    yield from _section("due next", due(parts["timers"], parts["messages"], [row], painter))
    yield from _section("messages", _messages(parts["messages"], painter))
    yield from ("", f"all that happened: vouch explain {row['id']}")


def step_of(row: Row) -> str:
    """Return the step that a run stands in; of a paused one whose step is over, that one."""
    doc = row["doc"]
    return str(doc.get("paused", {}).get("outcome", {}).get("step") or doc.get("at", ""))


def _stand(row: Row, painter: Painter, place: str) -> dict[str, Any]:
    """Return where a run stands, a line each."""
    doc, step = row["doc"], step_of(row)
    paused = doc.get("paused", {})
    stands = f"{step} ({place})" if place else step
    is_over = row["status"] == "ended"
    return {
        "status": f"ended as {row['ended_as']}" if is_over else row["status"],
        "stands in": "" if is_over else stands,
        "waits for": "" if is_over else ", ".join(map(awaited, *_pairs(doc.get("wait", {})))),
        "paused": f"since {painter.when(paused['at'])}, by {paused['by']}" if paused else "",
        "started": painter.when(row["started_at"]), "ended": painter.when(row["ended_at"]),
        "one per": "" if row["per"] == row["actor"] else row["per"], "version": row["version"],
    }  # fmt: skip


def _pairs(what: Row) -> tuple[list[str], list[Any]]:
    return list(what), list(what.values())


def _trigger(trigger: Row, painter: Painter) -> list[str]:
    plain = {name: value for name, value in trigger.get("data", {}).items() if value != ""}
    at = painter.when(trigger.get("time"))
    return fields({"happened": at, "id": trigger.get("id"), **plain})


def _steps(steps: Mapping[str, Row], painter: Painter) -> list[str]:
    told = [
        {"step": name, "outcome": each.get("outcome"), "at": painter.when(each.get("at")),
         "reason": each.get("reason")}
        for name, each in steps.items()
    ]  # fmt: skip
    return table(told, ("at", "step", "outcome", "reason"), key="", width=WIDTH) if told else []


def _messages(rows: Rows, painter: Painter) -> list[str]:
    told = [
        {**row, "planned": painter.when(row["planned_at"]), "to": _whom(row["to"])}
        for row in sorted(rows, key=lambda row: row["planned_at"])
        if not is_sync(row["to"])
    ]
    names = ("planned", "status", "template", "to", "channel", "reason", "key")
    return table(told, names, key="key", width=WIDTH) if told else []


# -- what comes ------------------------------------------------------------------------------------

_COMES: Mapping[str, str] = {
    "wait": "goes on", "within": "waits no longer", "limit": "waits for its task no longer",
    "level": "somebody hears that a task is late", "due": "a task is due",
    "unassigned": "somebody hears that nobody has a task", "reminder": "the ask is repeated",
    "silent": "the ask counts as unanswered", "snooze": "the ask begins anew",
    "queue": "gives up waiting for its turn to ask", "offer": "the next stage is offered",
    "nudge": "the stage is repeated", "stage": "the stage closes", "hold": "a reward is free",
    "expiry": "a reward lapses", "lower": "the tier is looked at",
    "moments": "the best moment is chosen", "park": "what waits for news of a lead is given up",
    "attribution": "a recommendation expires",
}  # fmt: skip
"""What a timer does, by its kind."""


def due(timers: Rows, messages: Rows, runs: Rows, painter: Painter) -> list[str]:
    """Return what is planned, in order: timers, and messages that have not left yet."""
    names = {row["id"]: row["workflow"] for row in runs}
    found = []
    for each in timers:
        of = f"{names[each['run']]}: " if each["run"] in names else ""
        found.append((each["due_at"], f"{of}{_COMES.get(each['kind'], each['kind'])}"))
    for each in messages:
        if each["status"] == "pending":
            word = "is told" if is_sync(each["to"]) else f"goes to {_whom(each['to'])}"
            found.append((each["planned_at"], f"{each['template']} {word}"))
    found.sort()
    lines = [f"{painter.when(at):22}  {what}" for at, what in found[:DUE_MAX]]
    rest = len(found) - DUE_MAX
    return [*lines, f"and {rest} more"] if rest > 0 else lines


# -- form ------------------------------------------------------------------------------------------


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        yield from _indented(lines)


def _indented(lines: Sequence[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _whom(actor: str) -> str:
    return actor.removeprefix("contact/").removeprefix("staff/")
