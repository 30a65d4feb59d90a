"""What an order of a story's events came to: what is true in the end, and what was done."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workers.scenarios.observe import observe
from workers.scenarios.seen import Seen
from workflows.state import Doc


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one order of arrival came to.

    Attributes:
        state: What is true of everybody in the end, and the balances.
        effects: What was done, but for what was taken back before anybody heard of it.
        sent: How often each person got each message.
    """

    state: Mapping[str, Any]
    effects: Mapping[str, Any]
    sent: Counter[tuple[str, str]]
    seen: Seen


INNER = frozenset({
    "synced", "run_count", "records", "recent", "moments", "stages", "referred", "recommended",
    "accruals", "ended", "undoings", "counted", "payouts", "responses", "firm_of",
    "released", "themes", "aliases", "run_keys", "asks_closed", "times",
    "nps_was", "said", "cases", "uncounted", "selves", "unearned", "handed",
    "room",
})  # fmt: skip
"""Fields by which the engine remembers how things came; what they come to is looked at."""

WHICH = frozenset({
    "id", "name", "given_name", "first_name", "last_name", "email", "also", "locale",
    "zone", "owner", "account", "participant_since",
})  # fmt: skip
"""Fields that go by which of a circle's records remains: of its merges the first to arrive."""
EMPTY: tuple[Any, ...] = (None, "", 0, [], {}, False)


def outcome(seen: Seen, lowest: str) -> Outcome:
    """Return what a play came to, without how it came; nobody is told of the `lowest` level."""
    rows = observe(seen).rows
    called = {who: "=".join(names) for names in _circles(seen).values() for who in names}
    sent = Counter(
        (called.get(row.values["to"], row.values["to"]), row.values["template"])
        for row in rows["messages"]
    )
    effects = {
        "messages": sorted(sent.items()),
        "tasks": _sorted(
            [called.get(row.values["contact"], row.values["contact"])]
            + [row.values[name] for name in ("task", "about", "to", "due")]
            for row in rows["tasks"]
            if not row.values["cancelled"]
        ),
        "asks": _sorted(
            [called.get(row.values["contact"], row.values["contact"])]
            + [row.values.get(name) for name in ("kind", "touches", "outcome")]
            for row in rows["asks"]
        ),
        "calls": len(rows["calls"]),
        "ledger": _moves(called, rows["ledger"]),
    }
    return Outcome(_state(seen, lowest), effects, sent, seen)


def _sorted(rows: Any) -> list[str]:
    return sorted(str(row) for row in rows)


def _moves(called: Mapping[str, str], rows: Sequence[Any]) -> list[Any]:
    """Return what each person earned by what, in the end; a merge moves it within one person."""
    found: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        reason, who = row.values["reason"], row.values["contact"]
        for bucket, amount in (row.values["moves"] or {}).items():
            if bucket == "reversed" or reason.startswith("merge/"):
                continue
            key = (called.get(who, who), reason, row.values["benefit"] or "", bucket)
            found[key] += amount
    return sorted((key, amount) for key, amount in found.items() if amount)


def _state(seen: Seen, lowest: str) -> dict[str, Any]:
    """Return what is true of everybody; of records that are merged, by whichever name remains."""
    found: dict[str, Any] = {}
    went_round = any(fact["data"].get("reason") == "cycle" for fact in seen.of("event.rejected"))
    for remains, names in _circles(seen).items():
        told = _told(seen.contacts.get(remains, {}))
        if told.get("tier") == lowest:
            del told["tier"]
        if len(names) > 1 and went_round:
            told = {name: value for name, value in told.items() if name not in WHICH}
        found["=".join(names)] = told
    return found


def _circles(seen: Seen) -> dict[str, list[str]]:
    """Return the records that are one person, by whichever of them remains."""
    found: dict[str, list[str]] = {}
    for contact in sorted(seen.contacts):
        found.setdefault(str(seen.doc(contact).get("id", contact)), []).append(contact)
    return found


def _told(doc: Doc) -> dict[str, Any]:
    found = {name: value for name, value in doc.items() if name not in INNER}
    if "balance" in found:
        found["balance"] = {k: v for k, v in found["balance"].items() if v and k != "reversed"}
    if "referrals" in found:
        found["referrals"] = {
            name: {each: referral.get(each) for each in _counts(referral)}
            for name, referral in sorted(found["referrals"].items())
        }
    if "contests" in found:
        entries = {name: each.get("entries") for name, each in found["contests"].items()}
        found["contests"] = {name: number for name, number in entries.items() if number}
    for name in ("codes", "also"):
        if name in found:
            found[name] = sorted(found[name])
    return {name: value for name, value in found.items() if value not in EMPTY}


def _counts(referral: Doc) -> tuple[str, ...]:
    """Return what counts of a referral: of one that was rejected, why."""
    if referral["verdict"] == "rejected":
        return "verdict", "reason"
    return "verdict", "stage", "rewarded", "reason"


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return what is otherwise, a line each."""
    found = []
    for name in sorted({*one, *other}):
        a, b = one.get(name), other.get(name)
        if a == b:
            continue
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            found += [f"{name}.{each}" for each in differences(a, b)]
        else:
            found.append(f"{name}: {a!r} | {b!r}")
    return found
