"""What keeps a contact from being asked now: a case, a word of theirs, a cool-down."""

from collections.abc import Container
from datetime import datetime

from workflows.state import Doc, instant

ALL = ("case", "cooldown")
"""Everything that a class of messages, or a moment, can be held by."""


def held_by(doc: Doc, at: datetime, what: Container[str] = ALL) -> str:
    """Return what holds a contact back at an instant: a reason, '' if nothing does.

    A case holds while it is open and for its cool-down after. An instant at which a span ends
    is free.
    """
    if "case" in what and (doc.get("open_case") or lasts(doc.get("held_until"), at)):
        return "open_case"
    if "cooldown" in what and doc.get("no_asks"):
        return "no_asks"
    if "cooldown" in what and lasts(doc.get("cooling_until"), at):
        return "cooldown"
    return ""


def held_until(doc: Doc, reason: str) -> datetime | None:
    """Return when what holds a contact ends by itself; None where only news can end it."""
    if reason == "cooldown" and doc.get("cooling_until"):
        return instant(doc["cooling_until"])
    if reason == "open_case" and not doc.get("open_case") and doc.get("held_until"):
        return instant(doc["held_until"])
    return None


def lasts(until: str | None, at: datetime) -> bool:
    """Tell whether a span that ends at `until` lasts at an instant."""
    return bool(until) and instant(str(until)) > at
