"""How things stand, in words: what holds a contact back, what a run waits for."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from workers.cells import cell
from workflows.state import instant

Row = Mapping[str, Any]


def held(doc: Row, tell: Callable[[Any], str], now: datetime) -> Iterator[str]:
    """Give what keeps a contact from being asked or written to."""
    if doc.get("open_case"):
        yield "has an open case: what a case holds back does not leave"
    elif _is_to_come(doc.get("held_until"), now):
        yield f"what a case holds back is held until {tell(doc['held_until'])}"
    if doc.get("no_asks"):
        yield "is never asked again: they said never"
    if _is_to_come(doc.get("cooling_until"), now):
        yield f"no ask until {tell(doc['cooling_until'])}"
    if doc.get("unsubscribed"):
        yield f"unsubscribed from {', '.join(map(str, doc['unsubscribed']))}"


def _is_to_come(at: str | None, now: datetime) -> bool:
    return bool(at) and instant(str(at)) > now


def awaited(kind: str, what: Any) -> str:  # noqa: ANN401 - as the step keeps it
    """Return what a run waits for, in words."""
    if kind == "journey" and isinstance(what, dict):
        return f"an answer to its stage {what.get('stage') or what.get('number', '')}"
    if kind == "queue":
        return "its turn to ask: another ask is open"
    return f"{kind} {cell(what)}"
