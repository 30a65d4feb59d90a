"""What `expect` may hold: its sections, and the fields of their rows (LANGUAGE section 11)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Kind = Literal["at", "instant", "text", "string", "int", "bool", "map", "list", "any"]
"""What a field holds: an instant, the same or a date, a text, one that is no number either, a
whole number, true or false, a mapping, a list."""

_ROWS: dict[str, str] = {
    "runs": "workflow contact started:at ended:at as",
    "refused": "at:at workflow contact reason operand",
    "messages": "at:at to channel template locale class touch:int",
    "skipped": "at:at to template reason",
    "asks": "kind contact opened:at touches:int outcome at:at reason cooling_until:at",
    "moments": "at:at contact moment outcome kind reason",
    "tasks": "task contact about to via opened:at due:at accepted:at overdue:at closed:at "
    "cancelled:at reason flags:list data:map",
    "cases": "contact opened:at closed:at held_until:at",
    "timers": "timer due:at fired:at cancelled:at reason",
    "ledger": "at:at contact reason benefit moves:map",
    "balances": "contact at:at pending:int available:int paid:int reversed:int expired:int",
    "tiers": "at:at contact from_tier to_tier",
    "referrals": "referrer lead verdict stage rewarded:bool reason",
    "calls": "at:at endpoint attempt:int status:any",
    "syncs": "at:at target contact lead fields:map",
    "rejected": "at:at type reason field",
    "duplicates": "at:at type reason field",
    "contests": "contest winners:any entries:any",
    "gifts": "contact gift outcome",
}


def _fields(text: str) -> Mapping[str, Kind]:
    found: dict[str, Kind] = {}
    for part in text.split():
        name, _, kind = part.partition(":")
        found[name] = kind or "text"  # type: ignore[assignment]
    return MappingProxyType(found)


ROWS: Mapping[str, Mapping[str, Kind]] = MappingProxyType(
    {section: _fields(text) for section, text in _ROWS.items()}
)
"""Field to kind of every section whose rows have fixed fields."""

LOOKED_UP = ("balances", "contacts")
"""Sections that say what is true of a contact at an instant: not complete, any order."""

METRICS = (
    "survey_sent", "survey_answered", "promoters", "passives", "detractors", "participants",
    "involved", "committed", "asks_sent", "asks_dropped", "moments_absorbed", "sla_met",
    "sla_missed", "clicks", "referrals", "won", "hours_to_contact",
)  # fmt: skip

SECTIONS = (*ROWS, "contacts", "metrics")

CONTACT: Mapping[str, Kind] = _fields(
    "id name first_name last_name email phone locale zone company account segments:list owner "
    "participant:bool participant_since:at unsubscribed:list open_case:bool no_asks:bool "
    "cooling_until:at held_until:at refused tier nps:map balance:map codes:list"
)
"""Fields of a contact; the programme's own come on top."""

NPS: Mapping[str, Kind] = _fields("score:int band at:at improve comment response")
"""The fields inside `nps`."""
