"""Contests, the contest's side: an actor of its own that keeps the entries, freezes and draws.

The draw is published: `seed_sha256` before the contest, the seed with the result. Every entry
is a ticket with a number, the hash of seed, contest, contact and the ticket's place; who holds
the lowest comes first. So anybody can count the draw again, the same seed and entries give the
same order, and taking somebody out moves nobody else.
"""

from datetime import timedelta
from hashlib import sha256

from workflows.rewarding import CompiledContest
from workflows.state import Doc, Timer, instant, iso
from workflows.turn import Turn

RETRY = timedelta(hours=1)
"""How often a draw whose seed is not there looks for it again."""


def order_of(seed: str, contest: str, entries: dict[str, int]) -> list[str]:
    """Return everybody with entries, in the order in which they are drawn.

    >>> order_of("a seed", "autumn", {"c-1": 3, "c-2": 1, "c-3": 0})
    ['c-1', 'c-2']
    """

    def lowest(contact: str) -> bytes:
        numbers = (f"{seed}\n{contest}\n{contact}\n{n}" for n in range(1, entries[contact] + 1))
        return min(sha256(number.encode()).digest() for number in numbers)

    taking_part = [contact for contact, number in entries.items() if number > 0]
    return sorted(taking_part, key=lambda contact: (lowest(contact), contact))


def digest_of(contest: str, entries: dict[str, int]) -> str:
    """Return the hash of a list of entries: published with the result, it proves the list."""
    lines = (f"{contact} {number}" for contact, number in sorted(entries.items()) if number > 0)
    return sha256("\n".join([contest, *lines]).encode()).hexdigest()


def leaderboard(standings: dict[str, Doc]) -> list[str]:
    """Return everybody with entries, most first; of as many, who had them earliest."""
    taking_part = [contact for contact, mine in standings.items() if mine["entries"] > 0]

    def place(contact: str) -> tuple[object, ...]:
        mine = standings[contact]
        return (-mine["entries"], instant(mine["reached"]), contact)

    return sorted(taking_part, key=place)


def standing(turn: Turn, event: Doc) -> bool:
    """Note how many entries a contact has; once frozen nothing changes them."""
    contest = _contest(turn)
    if contest is None or turn.doc.get("frozen"):
        return False
    data = event["data"]
    mine = {"entries": data["entries"], "reached": data["reached"]}
    turn.doc.setdefault("standings", {})[data["contact"]] = mine
    turn.save()
    turn.set_timer("freeze", _key(turn, "freeze"), contest.freeze, name="freeze")
    return False


def freeze(turn: Turn, _timer: Timer) -> None:
    """Make the entries final, and draw."""
    contest = _contest(turn)
    if contest is None or turn.doc.get("frozen"):
        return
    entries = _entries(turn)
    turn.doc["frozen"] = iso(turn.time)
    turn.doc["entries_sha256"] = digest_of(contest.name, entries)
    turn.save()
    turn.fact("contest.frozen", contest=contest.name, entries=sum(entries.values()))
    _draw(turn, contest)


def retry(turn: Turn, _timer: Timer) -> None:
    """Draw after all, if the seed is there by now."""
    contest = _contest(turn)
    if contest is not None:
        _draw(turn, contest)


def requested(turn: Turn, _event: Doc) -> bool:
    """Draw now if that was impossible at the freeze; a second request changes nothing."""
    contest = _contest(turn)
    if contest is not None and turn.doc.get("frozen"):
        turn.cut_timer(_key(turn, "draw"), "requested")
        _draw(turn, contest)
    return False


def _draw(turn: Turn, contest: CompiledContest) -> None:
    """Draw once: who wins, in the order of the draw, is stored and told to everybody."""
    if turn.doc.get("drawn"):
        return
    seed = turn.programme.seeds.get(contest.name)
    if seed is None:
        turn.set_timer("draw", _key(turn, "draw"), turn.now + RETRY, name="draw")
        return
    entries = _entries(turn)
    order = order_of(seed, contest.name, entries)
    out = set(turn.doc.get("disqualified", ()))
    winners = [contact for contact in order if contact not in out][: contest.policy.winners]
    turn.doc["drawn"] = {"at": iso(turn.time), "order": order, "winners": winners, "seed": seed}
    turn.save()
    for rank, contact in enumerate(order, 1):
        if contact not in out:
            _tell(turn, contact, rank, won=contact in winners)


def disqualify(turn: Turn, event: Doc) -> bool:
    """Take somebody out: of a winner's place the next in the order of the draw has it."""
    contest, data = _contest(turn), event["data"]
    for contact in (data["contact"], *data.get("aliases", ())):
        if contest is not None:
            _take_out(turn, contact)
    return False


def _take_out(turn: Turn, contact: str) -> None:
    out = turn.doc.setdefault("disqualified", [])
    if contact in out:
        return
    out.append(contact)
    turn.save()
    drawn = turn.doc.get("drawn")
    if not drawn or contact not in drawn["winners"]:
        return
    drawn["winners"].remove(contact)
    taken = {*out, *drawn["winners"]}
    follows = next((each for each in drawn["order"] if each not in taken), "")
    if follows:
        drawn["winners"].append(follows)
        _tell(turn, follows, drawn["order"].index(follows) + 1, won=True)


def _tell(turn: Turn, contact: str, rank: int, *, won: bool) -> None:
    name = turn.state.actor.partition("/")[2]
    entries = turn.doc["standings"][contact]["entries"]
    turn.forward(f"contact/{contact}", {
        "id": f"{turn.mark}/drawn/{contact}", "source": "vouch", "type": "contest.drawn",
        "fact": True, "time": iso(turn.time), "contact": contact,
        "data": {"contest": name, "entries": entries, "won": won, "rank": rank},
    })  # fmt: skip


def _contest(turn: Turn) -> CompiledContest | None:
    """Return the contest this actor is, unless the programme has dropped it."""
    return turn.programme.rewarding.contests.get(turn.state.actor.partition("/")[2])


def _entries(turn: Turn) -> dict[str, int]:
    return {who: mine["entries"] for who, mine in turn.doc.get("standings", {}).items()}


def _key(turn: Turn, what: str) -> str:
    return f"{turn.state.actor}/{what}"
