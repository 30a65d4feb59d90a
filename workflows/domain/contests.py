"""Contests, the contact's side: what somebody did counts as weighted entries.

Each contact keeps what it did and tells the contest's actor how many entries that makes, and
when it reached so many. The contest's side is `contest_draw`, gifts are `gifts`.
"""

from collections.abc import Collection
from datetime import datetime

from workflows.domain import contest_judging as judging
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
        if not _in_time(turn, contest, event):
            continue
        if contest.reads or contest.reads_firm:
            _try(turn, contest, event)
            continue
        if not turn.holds(contest.if_, where=f"contests.{contest.name}"):
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
        mine.get("tried", {}).pop(key, None)
        if _drop(mine, key):
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
    turn.doubt(turn.time)


def again(turn: Turn, since: datetime) -> None:
    """Judge again what happened from an instant on, in contests whose entries are not final."""
    for name, mine in turn.doc.get("contests", {}).items():
        contest = turn.programme.rewarding.contests.get(name)
        tried: dict[str, Doc] = mine.get("tried", {})
        if contest is None or not tried:
            continue
        if turn.at > contest.freeze:
            del mine["tried"]
            turn.save()
            continue
        late = [key for key, row in tried.items() if instant(row["at"]) >= since]
        for key in late:
            _judge(turn, contest, mine, key)
        if late:
            _keep_few(mine, tried)
            _tell(turn, contest, mine)


def _in_time(turn: Turn, contest: CompiledContest, event: Doc) -> bool:
    """Tell whether an event of a contact lies in the period and came in time."""
    if not turn.contact or _is_over(turn, contest, event):
        return False
    return contest.start <= instant(event["time"]) < contest.end


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
    mine = _mine(turn, contest)
    for slot in slots:
        kept = mine["kept"].setdefault(slot, {})
        kept[key_of(event)] = event["time"]
        while len(kept) > KEPT_MAX:
            del kept[max(kept.items(), key=lambda one: (instant(one[1]), one[0]))[0]]
    _tell(turn, contest, mine)


def _mine(turn: Turn, contest: CompiledContest) -> Doc:
    known: dict[str, Doc] = turn.doc.setdefault("contests", {})
    return known.setdefault(contest.name, {"kept": {}, "entries": 0, "reached": ""})


def _try(turn: Turn, contest: CompiledContest, event: Doc) -> None:
    """Judge an event as of when it happened, and keep it to be judged again."""
    row, key = judging.row_of(turn, contest, event), key_of(event)
    if row is None:
        return
    mine = _mine(turn, contest)
    mine.setdefault("tried", {})[key] = row
    _judge(turn, contest, mine, key)
    _keep_few(mine, mine["tried"])
    _tell(turn, contest, mine)


def _judge(turn: Turn, contest: CompiledContest, mine: Doc, key: str) -> None:
    """Count what was tried, or count it no more; so with the gift that it earns."""
    row, was = mine["tried"][key], mine["tried"][key].get("in")
    slots = judging.counts_for(turn, contest, row)
    row["in"] = slots is not None
    for name, kept in mine["kept"].items():
        if name not in (slots or ()):
            kept.pop(key, None)
    for slot in slots or ():
        mine["kept"].setdefault(slot, {})[key] = row["at"]
    policy, mark = contest.policy.gifts, "" if was is None else turn.mark
    if policy and row["type"] in policy.event and row["in"] != bool(was):
        if row["in"]:
            gifts.want(turn, contest, key, row["at"], mark)
        else:
            gifts.give_back(turn, contest, key, mark)


def _keep_few(mine: Doc, tried: dict[str, Doc]) -> None:
    """Keep so many of a type that count, and as many that do not: the latest goes first."""
    groups: dict[tuple[str, bool], list[str]] = {}
    for key, row in tried.items():
        groups.setdefault((row["type"], row["in"]), []).append(key)
    for keys in groups.values():
        if len(keys) > KEPT_MAX:
            for key in sorted(keys, key=lambda key: (instant(tried[key]["at"]), key))[KEPT_MAX:]:
                del tried[key]
                _drop(mine, key)


def _drop(mine: Doc, key: str) -> bool:
    """Count something for no entry; True where it had counted."""
    return sum(kept.pop(key, None) is not None for kept in mine["kept"].values()) > 0


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
