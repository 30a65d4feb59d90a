"""Contests, the contact's side: what somebody did counts as weighted entries.

Each contact keeps what it did and tells the contest's actor how many entries that makes, and
when it reached so many. The contest's side is `contest_draw`, gifts are `gifts`.
"""

from collections.abc import Collection
from datetime import datetime

from workflows.domain import gifts, refusing
from workflows.domain.tiers import key_of
from workflows.rewarding import CompiledContest
from workflows.state import Doc, instant, iso
from workflows.turn import Turn

KEPT_MAX = 100
"""What a contact did that a contest remembers per type; the latest goes first."""


def count(turn: Turn, event: Doc) -> None:
    """Count an event in every contest that it matters to, and want the gift it earns."""
    for contest in turn.programme.rewarding.by_event.get(event["type"], ()):
        if not _takes_part(turn, contest, event):
            continue
        policy = contest.policy
        slots = _counts_for(turn, contest, event)
        if slots:
            _enter(turn, contest, event, slots)
        if policy.gifts and event["type"] in policy.gifts.event:
            gifts.want(turn, contest, key_of(event), event["time"])


def take_back(turn: Turn, event: Doc) -> None:
    """Take back what a referral had counted for, in contests whose entries are not final."""
    key = key_of(event)
    for contest in turn.programme.rewarding.contests.values():
        if contest.policy.gifts:
            gifts.give_back(turn, contest, key)
        mine = turn.doc.get("contests", {}).get(contest.name)
        if mine is None or _is_over(turn, contest, event):
            continue
        if any(kept.pop(key, None) for kept in mine["kept"].values()):
            _tell(turn, contest, mine)


def leave(turn: Turn, event: Doc) -> None:
    """Withdraw from contests whose entries are not final: nobody can tell this contact who won."""
    for name in turn.doc.get("contests", {}):
        contest = turn.programme.rewarding.contests.get(name)
        if contest is not None and not _is_over(turn, contest, event):
            _say(turn, contest, turn.contact, 0, "")


def merged(turn: Turn, them: str, theirs: Collection[str]) -> None:
    """Have one person's entries under one name, in contests whose entries are not final."""
    for name in theirs:
        mine = turn.doc["contests"][name]
        contest = turn.programme.rewarding.contests.get(name)
        if contest is None or turn.now > contest.freeze:
            continue
        mine |= {"entries": 0, "reached": ""}
        _say(turn, contest, them, 0, "")
        _tell(turn, contest, mine)


def _takes_part(turn: Turn, contest: CompiledContest, event: Doc) -> bool:
    """Tell whether an event lies in the period, came in time, and is of who may take part."""
    if not turn.contact or _is_over(turn, contest, event):
        return False
    if not contest.start <= instant(event["time"]) < contest.end:
        return False
    return turn.holds(contest.if_, where=f"contests.{contest.name}")


def _is_over(turn: Turn, contest: CompiledContest, event: Doc) -> bool:
    """Tell whether the entries are final: what arrives with the freeze still counts."""
    return instant(event.get("arrived") or iso(turn.now)) > contest.freeze


def _counts_for(turn: Turn, contest: CompiledContest, event: Doc) -> list[str]:
    """Return for which entries an event counts, by the names under which they are kept."""
    where = f"contests.{contest.name}.entries"
    return [
        entry.kept_as(event["type"])
        for entry, if_ in zip(contest.policy.entries, contest.entry_ifs, strict=True)
        if event["type"] in entry.event and turn.holds(if_, event=event, where=where)
    ]


def _enter(turn: Turn, contest: CompiledContest, event: Doc, slots: Collection[str]) -> None:
    known = turn.doc.setdefault("contests", {})
    mine: Doc = known.setdefault(contest.name, {"kept": {}, "entries": 0, "reached": ""})
    for slot in slots:
        kept = mine["kept"].setdefault(slot, {})
        kept[key_of(event)] = event["time"]
        while len(kept) > KEPT_MAX:
            del kept[max(kept.items(), key=lambda one: (instant(one[1]), one[0]))[0]]
    _tell(turn, contest, mine)


def _tell(turn: Turn, contest: CompiledContest, mine: Doc) -> None:
    """Count anew, and tell the contest where that changes anything."""
    entries, reached = _count(contest, mine["kept"])
    turn.save()
    if (entries, reached) == (mine["entries"], mine["reached"]):
        return
    if entries != mine["entries"]:
        turn.fact("contest.entered", contest=contest.name, entries=entries)
    mine |= {"entries": entries, "reached": reached}
    _say(turn, contest, turn.contact, entries, reached)


def _say(turn: Turn, contest: CompiledContest, who: str, entries: int, reached: str) -> None:
    """Tell the contest how many entries somebody has."""
    turn.forward(f"contest/{contest.name}", {
        "id": f"{turn.mark}/{len(turn.facts)}/{contest.name}/{who}", "source": "vouch",
        "type": "contest.standing", "fact": True, "time": iso(turn.time), "contact": "",
        "data": {"contact": who, "entries": entries, "reached": reached},
    })  # fmt: skip


def _count(contest: CompiledContest, kept: dict[str, dict[str, str]]) -> tuple[int, str]:
    """Return how many entries somebody has, and when they had so many."""
    total, reached = 0, ""
    for entry in contest.policy.entries:
        of_types = [kept.get(entry.kept_as(kind), {}) for kind in set(entry.event)]
        times = sorted((at for each in of_types for at in each.values()), key=instant)[: entry.max]
        total += entry.weight * len(times)
        if times and entry.weight:
            reached = max(reached, times[-1], key=_sortable)
    return total, reached


def _sortable(text: str) -> datetime:
    return instant(text or "1970-01-01T00:00:00Z")


def disqualified(turn: Turn, event: Doc) -> bool:
    """Tell the contest that this contact may not win it, by whichever of its records."""
    name = event["data"]["contest"]
    if name not in turn.programme.rewarding.contests:
        return refusing.reject(turn, event, "unknown_contest", "data.contest")
    turn.forward(f"contest/{name}", {
        "id": f"{event['source']}#{event['id']}/disqualify", "source": "vouch",
        "type": "contest.disqualify", "fact": True, "time": event["time"], "contact": "",
        "data": {"contact": turn.contact, "aliases": turn.doc.get("aliases", [])},
    })  # fmt: skip
    return True
