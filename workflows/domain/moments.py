"""What becomes of a contact's moments: gathered, ranked, held back, chosen, gone by.

Source: LANGUAGE section 7. All of it is in the contact's document under `moments`:

- `window`: `[opened, closes]` while one is open;
- `gathered`: the moments in it; `held`: those that wait until the contact may be asked;
- `closed`: the windows that were, in which a moment may still arrive late.

Each moment is `{key, rank, valid_until, event}`, a held one also has its `reason`, a gathered
one `since`, the instant from which it is gathered.

Windows follow from these instants and not from the order of arrival: the earliest opens one,
what lies beyond its end is left for the next.
"""

from datetime import datetime

from workflows.held import held_by, held_until
from workflows.moments import CompiledMoments, kind_at
from workflows.state import Doc, Timer, instant, iso
from workflows.turn import Turn

KEPT_MAX = 50
"""Moments of one contact gathered or held at once; of more the least gives way."""
CLOSED_MAX = 20
"""Closed windows remembered; in an older one a moment opens a window of its own."""

_EMPTY: Doc = {"window": None, "gathered": [], "held": [], "closed": []}


def note(turn: Turn, event: Doc) -> None:
    """Take in an event that is a moment: into a window, held back, or too late."""
    policy = turn.programme.moments
    spec = policy.by_type.get(event["type"]) if policy else None
    if policy is None or spec is None or event.get("contact") != turn.contact or not turn.contact:
        return
    if not turn.holds(spec.if_, event=event, where=f"moments/{event['type']}"):
        return
    book = _book(turn)
    _sweep(turn, book, policy)  # a window that ended before this arrived is closed first
    valid_until = turn.add(turn.time, spec.valid)
    kept = ("id", "source", "type", "time", "data", "referral")
    one: Doc = {
        "key": f"{event['source']}#{event['id']}", "rank": spec.rank,
        "valid_until": iso(valid_until), "event": {n: event[n] for n in kept if n in event},
    }  # fmt: skip
    if _is_late(turn, book, policy):
        _tell(turn, "absorbed", one, reason="late")
        return
    reason = _against(turn, one, turn.at)
    if reason:
        _hold(turn, book, one, reason)
    else:
        _gather(turn, book, policy, one, turn.time)
    _keep_few(turn, book)
    _sweep(turn, book, policy)


def wake(turn: Turn, timer: Timer) -> None:
    """A window ends, a held moment is free, or is valid no longer."""
    policy = turn.programme.moments
    book = _book(turn)
    if policy is not None:
        _sweep(turn, book, policy, due=True)
        return
    for one in (*book["gathered"], *book["held"]):  # the newest programme has no moments
        _tell(turn, "expired", one)
    book |= {"window": None, "gathered": [], "held": []}
    turn.save()


def look_again(turn: Turn) -> bool:
    """See whether news freed a held moment; tell whether anything followed from it."""
    policy = turn.programme.moments
    if policy is None or not turn.contact:
        return False
    book = turn.doc.get("moments")
    if not book or not book["held"]:
        return False
    _sweep(turn, book, policy)
    return bool(turn.queue)


def _book(turn: Turn) -> Doc:
    book: Doc = turn.doc.setdefault("moments", {})
    for name, empty in _EMPTY.items():
        book.setdefault(name, list(empty) if isinstance(empty, list) else empty)
    return book


def blended(ours: Doc, theirs: Doc) -> Doc:
    """Return the moments of two records of one person: one window, and what waits of both.

    Of two open windows the one that opened first goes on, as if it had been one record all along.
    """
    one: Doc = {}
    for name, empty in _EMPTY.items():
        mine, other = ours.get(name), theirs.get(name)
        one[name] = mine or other if empty is None else [*(mine or ()), *(other or ())]
    windows = [each["window"] for each in (ours, theirs) if each.get("window")]
    one["window"] = min(windows, key=lambda window: instant(window[0]), default=None)
    one["closed"] = sorted(one["closed"], key=lambda window: instant(window[1]))[-CLOSED_MAX:]
    return one


# -- what time changes -----------------------------------------------------------------------------


def _sweep(turn: Turn, book: Doc, policy: CompiledMoments, *, due: bool = False) -> None:
    """Do everything that is due at the turn's instant, and set the timer for the next.

    Under an event only what was due before it: events go before timers of the same instant.
    """
    at = turn.at
    before = (book["window"], [one["key"] for one in book["held"]], len(book["gathered"]))
    for one in list(book["held"]):
        ends = instant(one["valid_until"])
        if ends < at or (due and ends == at):
            book["held"].remove(one)
            _tell(turn, "expired", one, reason=one["reason"])
    _release(turn, book, policy)
    while book["window"]:
        closes = instant(book["window"][1])
        if closes > at or (closes == at and not due):
            break
        _close(turn, book, policy)
    if before != (book["window"], [one["key"] for one in book["held"]], len(book["gathered"])):
        turn.save()
    _set_timer(turn, book)


def _release(turn: Turn, book: Doc, policy: CompiledMoments) -> None:
    """Let held moments whose reason is over into a window; another reason may hold them on."""
    for one in list(book["held"]):
        reason = _against(turn, one, turn.at, first=one["reason"])
        if reason == one["reason"]:
            continue
        book["held"].remove(one)
        if reason:
            _hold(turn, book, one, reason)
            continue
        over = held_until(turn.doc, one["reason"])
        since = over if over and over <= turn.at else turn.time
        _gather(turn, book, policy, one, max(since, instant(one["event"]["time"])))


def _set_timer(turn: Turn, book: Doc) -> None:
    """Wake this contact when the window ends, a reason does, or a held moment's time is up."""
    due = [instant(one["valid_until"]) for one in book["held"]]
    ends = (held_until(turn.doc, one["reason"]) for one in book["held"])
    due += [end for end in ends if end and end > turn.at]
    if book["window"]:
        due.append(instant(book["window"][1]))
    key = f"{turn.state.actor}/moments"
    known = turn.state.timers.get(key)
    if not due:
        turn.cut_timer(key, "moments")
    elif known is None or known.due_at != min(due):
        turn.set_timer("moments", key, min(due), name="moments")


# -- windows ---------------------------------------------------------------------------------------


def _is_late(turn: Turn, book: Doc, policy: CompiledMoments) -> bool:
    """Tell whether a window that has closed would have had this moment in it.

    One from before it, whose own window would have reached into it, is one of the same heap:
    told in time it would have been gathered with the others, and one of them was chosen.
    """
    reaches = turn.add(turn.time, policy.collect)
    windows = ((instant(opened), instant(closes)) for opened, closes in book["closed"])
    return any(opened <= reaches and turn.time <= closes for opened, closes in windows)


def _gather(turn: Turn, book: Doc, policy: CompiledMoments, one: Doc, since: datetime) -> None:
    """Put a moment into the open window; without one, or from before it, it opens one."""
    one.pop("reason", None)
    one["since"] = iso(since)
    book["gathered"].append(one)
    if not book["window"] or since < instant(book["window"][0]):
        _open(turn, book, policy, since)
    turn.save()


def _open(turn: Turn, book: Doc, policy: CompiledMoments, since: datetime) -> None:
    book["window"] = [iso(since), iso(turn.add(since, policy.collect))]


def _close(turn: Turn, book: Doc, policy: CompiledMoments) -> None:
    """Choose the highest rank, of equal ones the earliest; the others give way to it.

    What lies beyond the end of the window is left for the next one; events go before timers of
    the same instant, so what happened at its very end is still in it.
    """
    window = book["window"]
    over = instant(window[1])
    rest = [one for one in book["gathered"] if instant(one.get("since", window[0])) > over]
    gathered = [one for one in book["gathered"] if one not in rest]
    book |= {"window": None, "gathered": rest, "closed": [*book["closed"], window][-CLOSED_MAX:]}
    if rest:
        _open(turn, book, policy, min(instant(one["since"]) for one in rest))
    time, turn.time = turn.time, over  # what follows from it counts from then
    valid = []
    for one in gathered:
        one.pop("since", None)
        if instant(one["valid_until"]) < over:
            _tell(turn, "expired", one)
        else:
            valid.append(one)
    valid.sort(key=lambda one: (-one["rank"], instant(one["event"]["time"])))
    free = (one for one in valid if not _against(turn, one, over))
    best = next(free, valid[0] if valid else None)
    for one in valid:
        if one is not best:
            _tell(turn, "absorbed", one, reason="lower_rank")
    if best is not None:
        reason = _against(turn, best, over)
        if reason:
            _hold(turn, book, best, reason)
        else:
            _tell(turn, "chosen", best, kind=_kind(turn, best))
    turn.time = time


def _hold(turn: Turn, book: Doc, one: Doc, reason: str) -> None:
    one["reason"] = reason
    book["held"].append(one)
    turn.save()
    _tell(turn, "held", one, reason=reason)


def _keep_few(turn: Turn, book: Doc) -> None:
    """Let the least of too many moments give way at once: a document has its bounds."""
    kept = [(one, name) for name in ("gathered", "held") for one in book[name]]
    if len(kept) > KEPT_MAX:
        least, name = min(
            kept, key=lambda each: (each[0]["rank"], -instant(each[0]["event"]["time"]).timestamp())
        )
        book[name].remove(least)
        _tell(turn, "absorbed", least, reason="lower_rank")


# -- who may be asked what -------------------------------------------------------------------------


def _against(turn: Turn, one: Doc, at: datetime, *, first: str = "") -> str:
    """Return why the contact may not be asked at this moment now; '' if they may.

    `first` is the reason known: while it lasts, it stays the one that is told.
    """
    if first in ("open_case", "no_asks", "cooldown"):
        names = ("case",) if first == "open_case" else ("cooldown",)
        if held_by(turn.doc, at, names) == first:
            return first
    elif first and not _may_ask(turn, one):
        return first
    reason = held_by(turn.doc, at)
    if reason:
        return reason
    return "" if _may_ask(turn, one) else "not_eligible"


def _may_ask(turn: Turn, one: Doc) -> bool:
    return turn.holds(turn.programme.asks_if, where="asks.if") and bool(_kind(turn, one))


def _kind(turn: Turn, one: Doc) -> str:
    """Return what to ask at a moment, by the newest policy; '' for nothing."""
    policy, event = turn.programme.moments, one["event"]
    spec = policy.by_type.get(event["type"]) if policy else None
    if spec is None:
        return ""
    return kind_at(
        spec.opens,
        turn.programme.policies.asks,
        str(turn.doc.get("refused", "")),
        lambda condition: turn.holds(condition, event=event, where=f"moments/{event['type']}"),
    )


def _tell(turn: Turn, what: str, one: Doc, *, reason: str = "", kind: str = "") -> None:
    turn.fact(
        f"moment.{what}", one["key"], moment=one["event"]["type"], kind=kind or None,
        rank=one["rank"], reason=reason or None, valid_until=one["valid_until"],
    )  # fmt: skip
