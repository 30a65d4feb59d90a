"""Switch a rule off, and the stories go red: proof that they would notice.

Each row takes one rule away (patched to do nothing) and names a story that must fail then.
A story that stays green without its rule asserts nothing about it.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from store import bulk_sqlite, outbox_record
from store.intake import accept
from workers import calling, judging
from workers.channels.calls import FolderCaller
from workers.scenarios.play import Way
from workers.scenarios.suite import find_documents, run_document
from workflows import calendars, guard, reaching
from workflows.domain import (
    contests,
    gifts,
    ledger_accrual,
    ledger_lots,
    ledger_reversal,
    moments,
    nps,
    referrals_checks,
    referrals_firms,
    rules,
    themes,
    tiers,
)
from workflows.load import load_folder, load_programme
from workflows.moments import kind_at
from workflows.state import iso
from workflows.steps import ask_touches, journeying, tasking
from workflows.steps.outcome import Outcome

HERE = Path(__file__).parent
LIBRARY = HERE.parents[1] / "workflows" / "library"
RULES = HERE / "programmes" / "rules"
JOURNEYS = HERE / "programmes" / "journeys"
CALLS = HERE / "programmes" / "calls"

Off = Callable[[pytest.MonkeyPatch], None]


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _guard_off(patch: pytest.MonkeyPatch) -> None:
    """Whatever is due leaves, by e-mail, at once."""

    def leave(programme: Any, message: Any, view: Any, **_: Any) -> guard.Verdict:
        locale = reaching.locale_of(programme, view.doc)
        address = reaching.address_of(view.doc, "email") or "nobody@acme.example"
        return guard.Leave("email", address, locale, "", message.planned_at)

    patch.setattr(judging, "guard", leave)


def _caps_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(guard._Question, "room", _nothing)  # noqa: SLF001 - the rule itself


def _held_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(guard._Question, "held", lambda _: "")  # noqa: SLF001


def _moments_free(patch: pytest.MonkeyPatch) -> None:
    """Nothing holds a moment back."""
    patch.setattr(moments, "_against", lambda *_, **__: "")


def _ladder_off(patch: pytest.MonkeyPatch) -> None:
    """A no is forgotten when the next moment comes."""
    patch.setattr(
        moments, "kind_at", lambda opens, asks, _refused, holds: kind_at(opens, asks, "", holds)
    )


def _ranks_off(patch: pytest.MonkeyPatch) -> None:
    """All moments weigh the same."""
    hold = moments._gather  # noqa: SLF001 - the rule itself

    def alone(turn: Any, book: Any, policy: Any, one: Any, since: Any) -> None:
        hold(turn, book, policy, {**one, "rank": 1}, since)

    patch.setattr(moments, "_gather", alone)


def _holidays_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(calendars.Holidays, "__call__", lambda *_: False)


def _dedupe_off(patch: pytest.MonkeyPatch) -> None:
    """Every event is new: its id and natural key are made its own."""
    numbers = iter(range(10_000))

    def anew(conn: Any, arrivals: Any) -> list[bool]:
        fresh = []
        for each in arrivals:
            own = f"{each.id}/{next(numbers)}"
            fresh.append(replace(each, id=own, natural_key="", doc={**each.doc, "id": own}))
        return accept(conn, fresh)

    patch.setattr("workers.intake.accept", anew)


def _revisions_off(patch: pytest.MonkeyPatch) -> None:
    """An older revision counts like a newer one."""
    patch.setattr(nps, "_is_older", lambda *_: False)


def _doubt_off(patch: pytest.MonkeyPatch) -> None:
    """A lease that ran out is simply sent again."""
    settle = outbox_record.expire_leases

    def again(conn: Any, now: Any, **rest: Any) -> Any:
        for message in settle(conn, now, **rest):
            outbox_record.resolve(conn, message.key, sent=False, by="nobody", now=now)
        return []

    patch.setattr("workers.trial.expire_leases", again)
    patch.setattr(outbox_record, "expire_leases", again)


def _levels_go_on(patch: pytest.MonkeyPatch) -> None:
    """Accepting a task stops nothing."""
    patch.setattr(tasking, "accept", _nothing)


def _reminders_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ask_touches, "plan_next", _nothing)


def _hold_off(patch: pytest.MonkeyPatch) -> None:
    """Rewards are free at once."""
    book = ledger_accrual.accrue

    def at_once(turn: Any, grant: Any, **rest: Any) -> Any:
        return book(turn, replace(grant, hold="0d"), **rest)

    patch.setattr(ledger_accrual, "accrue", at_once)


def _writes_forgotten(patch: pytest.MonkeyPatch) -> None:
    """What a drain decided about timers is not written."""
    write = bulk_sqlite.write

    def forgetting(conn: Any, writes: Any) -> Any:
        writes.rows.pop("timer", None)
        return write(conn, writes)

    patch.setattr(bulk_sqlite, "write", forgetting)


def _themes_never_cool(patch: pytest.MonkeyPatch) -> None:
    """Every mention is an alarm, and nobody remembers that one was given."""
    patch.setattr(themes, "_cools", lambda *_: False)


def _evidence_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(themes, "_evidence", _nothing)


def _calls_forget(patch: pytest.MonkeyPatch) -> None:
    """The other side cannot tell that it was asked before."""
    call = FolderCaller.call

    def anew(self: FolderCaller, each: Any) -> int:
        self._took.clear()
        return call(self, each)

    patch.setattr(FolderCaller, "call", anew)


def _calls_go_on(patch: pytest.MonkeyPatch) -> None:
    """A call is made although its run was left."""
    ask = calling.judge

    def judge(programme: Any, claim: Any, message: Any, **rest: Any) -> Any:
        for run in claim.runs.values():
            run.doc.pop("left", None)
        return ask(programme, claim, message, **rest)

    patch.setattr(calling, "judge", judge)


def _overtaken_off(patch: pytest.MonkeyPatch) -> None:
    """A message of a stage leaves, whatever became of the stage."""
    patch.setattr(judging, "overtaken", lambda *_: False)


def _late_answers_off(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(rules._RULES, "journey.answered", lambda *_: True)  # noqa: SLF001


def _drops_count_as_skips(patch: pytest.MonkeyPatch) -> None:
    """What the guard holds back counts as if nobody had answered."""
    later = journeying.later

    def counted(turn: Any, run: Any, node: Any, stage: Any, since: Any) -> None:
        state = run.doc["wait"]["journey"]
        state["skips"] += 1
        if state["skips"] >= node.step.journey.skips:
            turn.wake(run.id, node.name, Outcome("paused"), since)
            return
        later(turn, run, node, stage, since)

    patch.setattr(journeying, "later", counted)


def _checks_off(patch: pytest.MonkeyPatch) -> None:
    """Nothing stands against any recommendation."""
    patch.setattr(referrals_checks, "chosen", lambda *_: ("", ""))


def _firms_off(patch: pytest.MonkeyPatch) -> None:
    """No firm ever says that it is a customer."""
    patch.setattr(referrals_firms, "known", lambda _: {})


def _undoing_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ledger_reversal, "undo", _nothing)


def _flight_off(patch: pytest.MonkeyPatch) -> None:
    """What a call hands over counts as spent before the call has ended."""
    patch.setattr(ledger_lots, "in_flight", lambda *_: False)


def _lots_off(patch: pytest.MonkeyPatch) -> None:
    """Nobody knows what a payout was paid from."""
    patch.setattr(ledger_lots, "spend", lambda *_: {})


def _lower_at_once(patch: pytest.MonkeyPatch) -> None:
    forget = tiers.forget

    def forgetting(turn: Any, key: str) -> None:
        forget(turn, key)
        tiers.lower(turn, _nothing)  # type: ignore[arg-type]

    patch.setattr(tiers, "forget", forgetting)


def _max_off(patch: pytest.MonkeyPatch) -> None:
    """Every review is an entry."""

    def count(contest: Any, kept: Any) -> tuple[int, str]:
        entries = contest.policy.entries
        return sum(e.weight * len(kept.get(kind, ())) for e in entries for kind in e.event), iso(
            contest.start
        )

    patch.setattr(contests, "_count", count)


def _one_gift_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(gifts, "_in_stock", lambda *_: "mug")


MUTATIONS: list[tuple[str, Off, str, Way]] = [
    ("guard", _guard_off, "s09-seven-touches-by-email", "as_written"),
    ("caps", _caps_off, "caps", "as_written"),
    ("held_by", _held_off, "s06-a-graceful-no", "as_written"),
    ("moments held", _moments_free, "s06-never", "as_written"),
    ("ladder", _ladder_off, "s06-a-graceful-no", "as_written"),
    ("ranks", _ranks_off, "s07-several-moments-on-one-day", "as_written"),
    ("holidays", _holidays_off, "s09-seven-touches-by-email", "as_written"),
    ("dedupe", _dedupe_off, "s01-promoter-within-24-hours", "twice"),
    ("natural keys", _dedupe_off, "s11-duplicate-webhooks", "as_written"),
    ("revisions", _revisions_off, "s04c-an-older-revision", "as_written"),
    ("in doubt", _doubt_off, "s01-promoter-within-24-hours", "crashes"),
    ("levels", _levels_go_on, "s03-detractor-late-in-the-day", "as_written"),
    ("reminders", _reminders_off, "s09-seven-touches-by-email", "as_written"),
    ("holds", _hold_off, "reward-held-then-free", "as_written"),
    (
        "cooldown of themes",
        _themes_never_cool,
        "s02-the-third-with-the-same-complaint",
        "as_written",
    ),
    ("evidence", _evidence_off, "s02-the-third-with-the-same-complaint", "as_written"),
    ("idempotency", _calls_forget, "tried-again", "crashes"),
    ("a call's run is live", _calls_go_on, "left-while-it-waits", "as_written"),
    ("overtaken", _overtaken_off, "answered-before-it-left", "as_written"),
    ("late answers", _late_answers_off, "paused-and-answered-late", "as_written"),
    ("held back", _drops_count_as_skips, "held-back-is-no-skip", "as_written"),
    ("checks", _checks_off, "s14-a-review-turned-down", "as_written"),
    ("firms", _firms_off, "s15-a-customer-after-all", "as_written"),
    ("reversals", _undoing_off, "s16a-lost-while-held", "as_written"),
    ("a call in flight", _flight_off, "s16-a-call-that-fails-gives-it-back", "as_written"),
    ("lots", _lots_off, "s16d-refunded-after-the-donation", "as_written"),
    ("down only at the run", _lower_at_once, "s16b-refunded-nothing-chosen", "as_written"),
    ("entries at most", _max_off, "s20-contest", "as_written"),
    ("stock", _one_gift_off, "s20-contest", "as_written"),
    ("timers", _writes_forgotten, "s03-detractor-late-in-the-day", "as_written"),
]


def _plays(name: str, way: Way) -> bool:
    ((folder, scenario),) = [
        (folder, path)
        for folder, below in (
            (LIBRARY, LIBRARY / "scenarios"),
            (LIBRARY, HERE / "library"),
            (RULES, RULES / "scenarios"),
            (JOURNEYS, JOURNEYS / "scenarios"),
            (CALLS, CALLS / "scenarios"),
        )
        for path in below.rglob("*.yaml")
        if path.stem == name
    ]
    loaded = load_programme(load_folder(folder))
    (document,) = find_documents(loaded, folder, [scenario])
    result = run_document(document, loaded, ways=[way])
    return result.passed and all(each.passed for each in result.ways)


@pytest.mark.parametrize(
    ("off", "story", "way"),
    [row[1:] for row in MUTATIONS],
    ids=[row[0].replace(" ", "-") for row in MUTATIONS],
)
def test_a_story_goes_red_without_its_rule(
    off: Off, story: str, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every rule the story comes out right; with this one off it does not."""
    assert _plays(story, way)
    off(monkeypatch)
    try:
        green = _plays(story, way)
    except Exception:  # noqa: BLE001 - a story may also break, not only differ
        green = False
    assert not green
