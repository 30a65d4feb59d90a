"""Who is entered in a contest: judged as of the event, and again when older words come.

What a contact did in the period of a contest whose conditions read something of them is kept as
a row, whether it counts or not: when it happened, by which record, what was `seen` that has no
history, and of an entry whose own condition reads the contact the event itself.
"""

from typing import Any

from workflows.domain import as_of
from workflows.durations import parse_span, subtract_span
from workflows.expressions import EvaluationError, Expression, activation
from workflows.rewarding import CompiledContest, reads_of
from workflows.state import Doc, instant
from workflows.turn import Turn

_OF_EVENT = ("id", "source", "type", "time", "arrived", "data", "referral")


def row_of(turn: Turn, contest: CompiledContest, event: Doc) -> Doc | None:
    """Return what is kept of an event to judge it by; None where it can never count."""
    kind, row = event["type"], {"type": event["type"], "at": event["time"]}
    ifs = [if_ for entry, if_ in _entries(contest, kind)]
    if any(reads_of(ifs, root) for root in ("contact", "account")):
        row["event"] = {name: event[name] for name in _OF_EVENT if name in event}
    else:
        where = f"contests.{contest.name}.entries"
        row["slots"] = [
            entry.kept_as(kind)
            for entry, if_ in _entries(contest, kind)
            if turn.holds(if_, event=event, where=where)
        ]
    gifts = contest.policy.gifts
    if not row.get("slots", True) and not (gifts and kind in gifts.event):
        return None
    row |= as_of.whose(turn, event)
    if seen := as_of.seen(turn, contest.reads, contest.reads_firm):
        row["seen"] = seen
    return row


def counts_for(turn: Turn, contest: CompiledContest, row: Doc) -> list[str] | None:
    """Return for which entries an event counts; None where its contact was not entered."""
    values = turn.names()
    values["contact"] = as_of.view(turn, row, contest.reads)
    if "seen" in row:
        values["account"] = row["seen"]["account"]
    where = f"contests.{contest.name}"
    if not _holds(turn, contest.if_, values, row, where):
        return None
    event = row.get("event")
    if event is None:
        return list(row["slots"])
    values["event"] = event
    if "referral" in event:
        values["referral"] = event["referral"]
    return [
        entry.kept_as(row["type"])
        for entry, if_ in _entries(contest, row["type"])
        if _holds(turn, if_, values, row, f"{where}.entries")
    ]


def _entries(contest: CompiledContest, kind: str) -> list[tuple[Any, Expression | None]]:
    pairs = zip(contest.policy.entries, contest.entry_ifs, strict=True)
    return [(entry, if_) for entry, if_ in pairs if kind in entry.event]


def _holds(
    turn: Turn, condition: Expression | None, values: dict[str, Any], row: Doc, where: str
) -> bool:
    """Tell whether a condition holds as of when an event happened."""
    if condition is None:
        return True
    at, zone, office = instant(row["at"]), turn.zone, turn.programme.office
    try:
        return condition.evaluate(activation(
            values, at, lambda span: subtract_span(at, parse_span(span), zone=zone, office=office)
        )) is True  # fmt: skip
    except EvaluationError as error:
        turn.fact("condition.failed", where=where, error=str(error))
        return False
