"""Contests for operators: where they stand, the draw again, a winner who may not win."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from store import contacts
from workers.app import App
from workers.bulk import Word, say
from workers.running import NotPossibleError
from workflows.domain.contest_draw import leaderboard
from workflows.rewarding import CompiledContest
from workflows.state import Doc, iso

DISQUALIFIED = "contest.disqualified"


def every(app: App) -> list[dict[str, Any]]:
    """Return the contests of the programme: when they end, how many take part, who won."""
    known = app.programmes.current().programme.rewarding.contests
    docs = _docs(app, known)
    return [_row(contest, docs.get(name, {})) for name, contest in known.items()]


def one(app: App, name: str) -> dict[str, Any]:
    """Return a contest whole: its leaderboard, and its draw as anybody can count it again.

    Raises:
        NotPossibleError: There is no such contest.
    """
    contest = _known(app, name)
    doc = _docs(app, [name]).get(name, {})
    standings: dict[str, Doc] = doc.get("standings", {})
    drawn = doc.get("drawn") or {}
    out = doc.get("disqualified", [])
    board = [
        {"place": place, "contact": who, "entries": standings[who]["entries"],
         "reached": standings[who]["reached"], "disqualified": who in out,
         "rank": drawn["order"].index(who) + 1 if drawn else None,
         "won": who in drawn.get("winners", ())}
        for place, who in enumerate(leaderboard(standings), 1)
    ]  # fmt: skip
    return {
        **_row(contest, doc), "leaderboard": board, "frozen": doc.get("frozen"),
        "entries_sha256": doc.get("entries_sha256"), "seed_sha256": contest.policy.seed_sha256,
        "seed": drawn.get("seed"), "order": drawn.get("order"), "disqualified": out,
    }  # fmt: skip


def draw(app: App, name: str, *, by: str, dry_run: bool = False) -> bool:
    """Ask for a draw that could not be made at the freeze; False where it was made already.

    Raises:
        NotPossibleError: There is no such contest, its entries are not final, or its seed is
            not there.
    """
    contest = _known(app, name)
    doc = _docs(app, [name]).get(name, {})
    if doc.get("drawn"):
        return False
    if not doc.get("frozen"):
        hint = f"it is drawn by itself at {iso(contest.freeze)}"
        raise NotPossibleError(f"the entries of {name!r} are not final yet", hint=hint)
    if name not in app.programmes.current().programme.seeds:
        hint = f"set {contest.policy.seed} to the seed whose hash was published"
        raise NotPossibleError(f"the seed of {name!r} is not there", hint=hint)
    word = Word("contest.draw", f"{name}/draw/{iso(app.clock.now())}", f"contest/{name}", {})
    if not dry_run:
        say(app, [word], by=by)
    return True


def disqualify(app: App, name: str, contact: str, *, by: str, dry_run: bool = False) -> bool:
    """Say that a contact may not win a contest; False where that was said before.

    Raises:
        NotPossibleError: There is no such contest, or the contact takes no part in it.
    """
    _known(app, name)
    doc = _docs(app, [name]).get(name, {})
    if contact not in doc.get("standings", {}):
        hint = f"who does: vouch contests show {name}"
        raise NotPossibleError(f"{contact} takes no part in {name!r}", hint=hint)
    word = Word(DISQUALIFIED, f"{name}/out/{contact}", f"contact/{contact}", {"contest": name})
    return not dry_run and bool(say(app, [word], by=by))


def _known(app: App, name: str) -> CompiledContest:
    known: Mapping[str, CompiledContest] = app.programmes.current().programme.rewarding.contests
    if name not in known:
        hint = f"the programme has: {', '.join(sorted(known)) or 'none'}"
        raise NotPossibleError(f"there is no contest {name!r}", hint=hint)
    return known[name]


def _docs(app: App, names: "Mapping[str, Any] | list[str]") -> dict[str, Doc]:
    with app.store.reader() as conn:
        found = contacts.get(conn, [f"contest/{name}" for name in names])
    return {key.removeprefix("contest/"): doc for key, doc in found.items()}


def _row(contest: CompiledContest, doc: Doc) -> dict[str, Any]:
    standings = doc.get("standings", {}).values()
    drawn = doc.get("drawn") or {}
    at: datetime | None = datetime.fromisoformat(drawn["at"]) if drawn else None
    return {
        "contest": contest.name, "from": contest.start, "to": contest.end,
        "freeze": contest.freeze, "contacts": sum(each["entries"] > 0 for each in standings),
        "entries": sum(each["entries"] for each in standings), "drawn": at,
        "winners": drawn.get("winners", []),
    }  # fmt: skip
