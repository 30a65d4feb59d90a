"""One document of two: what is known of a contact, and what is known of its other record."""

from collections.abc import Callable
from typing import Any

from workflows.domain import moments
from workflows.state import Doc, instant


def blend(ours: Doc, theirs: Doc, *, me: str, them: str, rung: Callable[[str], int]) -> None:
    """Take into `ours` what `theirs` adds: the primary's word counts where both have one.

    What either record was said to be is told anew by `joined`. `rung` is a kind's place on the
    ladder of asks.
    """
    for name, said in theirs.items():
        if name in _LEFT_OUT:
            continue
        rule = _RULES.get(name)
        if rule is not None:
            ours[name] = rule(ours[name], said) if ours.get(name) not in _EMPTY else said
        else:
            ours[name] = both(ours.get(name), said)
    _refused(ours, theirs, rung)
    if ended := ours.get("ended"):
        for keys in ended.values():  # what ended for the other record has ended for this one
            if at := keys.pop(f"contact/{them}", None):
                mine = f"contact/{me}"
                keys[mine] = max(filter(None, (keys.get(mine), at)), key=instant)
    known = {*ours.get("aliases", ()), *theirs.get("aliases", ()), them} - {me}
    ours["aliases"] = sorted(known)


_EMPTY: tuple[Any, ...] = (None, "", [], {}, 0)
_LEFT_OUT = frozenset({"id", "name", "balance", "accruals", "merged_into", "refused",
                       "refused_at", "aliases", "synced", "records", "room"})  # fmt: skip


def both(ours: Any, theirs: Any) -> Any:  # noqa: ANN401 - whatever a document holds
    """Return ours, filled up from theirs: mappings by key, lists with what is not in them."""
    if theirs is None:
        return ours
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return {**theirs, **{name: both(said, theirs.get(name)) for name, said in ours.items()}}
    if isinstance(ours, list) and isinstance(theirs, list):
        return [*ours, *(each for each in theirs if each not in ours)]
    return theirs if ours is None or ours in ("", [], {}) else ours


def _later(ours: str, theirs: str) -> str:
    return max(ours, theirs, key=instant)


def _earlier(ours: str, theirs: str) -> str:
    return min(ours, theirs, key=instant)


def _newest(ours: Doc, theirs: Doc) -> Doc:
    """Return the answer given last: that is what the person thinks now."""
    return theirs if instant(theirs["at"]) > instant(ours["at"]) else ours


def _in_order(ours: list[Doc], theirs: list[Doc]) -> list[Doc]:
    """Return what both heard, in order of time: what is forgotten first is the oldest."""
    return sorted(both(ours, theirs), key=lambda each: instant(each["time"]))


def _as_closed(ours: list[Doc], theirs: list[Doc]) -> list[Doc]:
    return sorted(both(ours, theirs), key=lambda each: instant(each["at"]))


def _either(ours: bool, theirs: bool) -> bool:  # noqa: FBT001 - values of a document
    return ours or theirs


def _most(ours: int, theirs: int) -> int:
    return max(ours, theirs)


_RULES: dict[str, Callable[[Any, Any], Any]] = {
    "nps": _newest,
    "cooling_until": _later,
    "held_until": _later,
    "no_asks": _either,
    "open_case": _either,
    "participant": _either,
    "participant_since": _earlier,
    "blocked_at": _earlier,
    "run_count": _most,
    "moments": moments.blended,
    "recent": _in_order,
    "asks_closed": _as_closed,
}


def _refused(ours: Doc, theirs: Doc, rung: Callable[[str], int]) -> None:
    """Keep the lower of two rungs refused: what is above either stays closed."""
    mine, other = ours.get("refused", ""), theirs.get("refused", "")
    if other and (not mine or rung(other) < rung(mine)):
        ours["refused"] = other
    times = [said for said in (ours.get("refused_at"), theirs.get("refused_at")) if said]
    if times:
        ours["refused_at"] = max(times, key=instant)
