"""Rules of merging, forgetting, calling and telling others, switched off."""

# ruff: noqa: SLF001 - a rule is patched where it stands

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from store import erasure, erasure_stages
from workers import calling
from workers import syncing as telling
from workers.calling import Ready
from workflows.domain import absorbing, blending, erasing, merging, nps, rules, syncing
from workflows.syncs import KEPT

Patch = pytest.MonkeyPatch


def leave_the_book(patch: Patch) -> None:
    """A merge moves everything but what was earned."""
    patch.setattr(merging, "transfers", lambda _turn: [])


def leave_the_runs(patch: Patch) -> None:
    """A merge takes no runs along."""
    patch.setattr(absorbing, "_take", lambda *_: [])


def keep_the_first_score(patch: Patch) -> None:
    """Of two records that merge the one that remains keeps its own score."""
    patch.setitem(blending._RULES, "nps", lambda ours, _theirs: ours)


def arrival_decides(patch: Patch) -> None:
    """An answer counts by when it came, not by when it was given."""
    patch.setattr(nps, "instant", lambda _at: 0)


def keep_the_words(patch: Patch) -> None:
    """An order to forget is done before anything is emptied."""
    patch.setattr(erasure, "EMPTY", {stage: lambda *_: (0, "") for stage in erasure_stages.EMPTY})


def write_to_the_forgotten(patch: Patch) -> None:
    """Somebody who is forgotten keeps address, consent and runs, and is heard of afterwards."""
    patch.setattr(erasing, "_KEPT", erasing._KEPT | {"email", "phone"})
    patch.setattr(erasing, "_withdraw", lambda *_: None)
    patch.setattr(erasing, "refuses", lambda *_: False)
    patch.setattr(erasing, "lifecycle", SimpleNamespace(leave=lambda *_: None))


def fresh_call_keys(patch: Patch) -> None:
    """Every attempt of a call has a key of its own."""
    judge = calling.judge

    def anew(programme: Any, claim: Any, message: Any, **rest: Any) -> Any:
        judged = judge(programme, claim, message, **rest)
        if not isinstance(judged, Ready):
            return judged
        key = f"{judged.call.key}/{message.attempts}"
        return replace(judged, call=replace(judged.call, key=key))

    patch.setattr(calling, "judge", anew)


def believe_it_is_known(patch: Patch) -> None:
    """Once something was told, whatever changed meanwhile is taken for told too."""

    def settled(turn: Any, event: Any) -> bool:
        done = syncing.settled(turn, event)
        for sync in turn.programme.syncs:
            known = turn.doc.get(KEPT, {}).get(sync.key)
            if known and event["data"]["sync"] == sync.key:
                known["told"] = syncing._fields(turn, sync)
        return done

    patch.setitem(rules._RULES, syncing.SETTLED, settled)


def tell_beside_each_other(patch: Patch) -> None:
    """A sync is queued while another is on its way, and leaves although a newer one is there."""
    look, judge = syncing.look, telling.judge

    def impatient(turn: Any) -> None:
        known = turn.doc.get(KEPT, {})
        open_ = {key: each.pop("open") for key, each in known.items() if each.get("open")}
        look(turn)
        for key, message in open_.items():
            known[key].setdefault("open", message)

    def stubborn(programme: Any, claim: Any, message: Any, **rest: Any) -> Any:
        doc = claim.actors.get(message.actor, {})
        key = message.doc["sync"]
        kept = doc.get(KEPT, {})
        newest = {**kept.get(key, {}), "number": message.doc["number"]}
        mine = {**doc, KEPT: {**kept, key: newest}}
        seen = replace(claim, actors={**claim.actors, message.actor: mine})
        return judge(programme, seen, message, **rest)

    patch.setattr(syncing, "look", impatient)
    patch.setattr(telling, "judge", stubborn)
