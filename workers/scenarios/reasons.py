"""Why something came out as it did, or did not: the reasons that were recorded near it."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from workers.scenarios.local import is_instant, to_local, to_utc
from workers.scenarios.matching import local, same
from workers.scenarios.observe import Row
from workers.scenarios.seen import Seen

REASONS_MAX = 3
NEAR = timedelta(days=1)
"""How long before an expected row its reason may have been recorded."""

_TELLING = frozenset(
    {
        "run.refused", "run.ended", "message.skipped", "message.deferred", "message.failed",
        "ask.skipped", "ask.withdrawn", "ask.declined", "ask.answered", "ask.silent",
        "condition.failed", "event.rejected", "event.parked", "timer.cancelled",
        "task.cancelled", "reward.skipped", "moment.absorbed", "moment.held", "moment.expired",
    }
)  # fmt: skip
_ABOUT: Mapping[str, tuple[str, ...]] = {
    "runs": ("run.refused", "run.ended", "condition.failed"),
    "messages": ("message.skipped", "message.deferred", "message.failed", "run.refused"),
    "skipped": ("message.deferred", "message.sent"),
    "timers": ("timer.cancelled", "run.ended", "run.refused"),
}
"""Which facts say why, where not all of the telling ones do."""


def why(
    section: str, expected: Mapping[str, Any] | None, row: Row | None, seen: Seen, zone: ZoneInfo
) -> str:
    """Return the recorded reasons near a difference, in a line; '' where nothing says.

    Where a row stands beside the expected one, the fields that differ come first.
    """
    said = list(_reasons(section, expected, row, seen, zone))
    if expected is not None and row is not None:
        said.insert(0, _fields(expected, row, zone))
    if seen.dead:
        said.append(f"a dead letter: {seen.dead[0]['error']}")
    return "; ".join(filter(None, said))


def _fields(expected: Mapping[str, Any], row: Row, zone: ZoneInfo) -> str:
    other = [
        f"{name} is {local(row.values.get(name), zone)!r}"
        for name, value in expected.items()
        if not same(value, row.values.get(name), zone)
    ]
    return ", ".join(other)


def _reasons(
    section: str, expected: Mapping[str, Any] | None, row: Row | None, seen: Seen, zone: ZoneInfo
) -> Iterator[str]:
    wanted = expected or (row.values if row else {})
    names = {
        str(wanted[field])
        for field in ("template", "workflow", "kind", "to", "contact", "timer", "task")
        if wanted.get(field)
    }
    who = {str(wanted[field]) for field in ("contact", "to") if wanted.get(field)}
    at = _instant(wanted, row, zone)
    kinds = _ABOUT.get(section, tuple(_TELLING))
    ranked: list[tuple[int, timedelta, str]] = []
    for fact in seen.of(*kinds):
        if (row is not None and fact["fact"] == "run.refused") or _of_another(fact, wanted):
            continue
        if who and not who & {fact.get("contact"), fact.get("data", {}).get("to")}:
            continue
        away = abs(fact["at"] - at) if at else timedelta()
        if at and away > NEAR and section != "contacts":
            continue
        fits = len(names & _mentioned(fact))
        if fits:
            ranked.append((-fits, away, sentence(fact, zone)))
    seen_already: set[str] = set()
    for _, _, text in sorted(ranked):
        if text not in seen_already and len(seen_already) < REASONS_MAX:
            seen_already.add(text)
            yield text


def _of_another(fact: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Tell whether a fact is about other words, another timer or kind of ask than is wanted."""
    data = fact.get("data", {})
    return any(
        wanted.get(name) and data.get(name) and wanted[name] != data[name]
        for name in ("template", "timer", "kind", "workflow")
    )


def _mentioned(fact: Mapping[str, Any]) -> set[str]:
    data = fact.get("data", {})
    said = {fact.get("workflow"), fact.get("contact"), fact.get("step")}
    said |= {data.get(name) for name in ("template", "workflow", "kind", "to", "timer", "title")}
    return {str(each) for each in said if each}


def _instant(wanted: Mapping[str, Any], row: Row | None, zone: ZoneInfo) -> datetime | None:
    for field in ("at", "started", "opened", "due"):
        value = wanted.get(field)
        if isinstance(value, datetime):
            return value
        if is_instant(value):
            return to_utc(str(value), zone)
    return row.firsts[0] if row and row.firsts else None


def sentence(fact: Mapping[str, Any], zone: ZoneInfo) -> str:
    """Return a fact as one line: when, what, of what, why."""
    data = fact.get("data", {})
    what = next(
        (str(data[n]) for n in ("template", "workflow", "timer", "kind", "title", "type", "as")
         if data.get(n)),
        str(fact.get("workflow", "")),
    )  # fmt: skip
    because = [str(data[n]) for n in ("reason", "operand", "error") if data.get(n)]
    tail = f" ({': '.join(because)})" if because else ""
    return f"{to_local(fact['at'], zone)} {fact['fact']} {what}{tail}"
