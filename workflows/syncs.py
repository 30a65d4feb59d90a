"""What other systems should know of a contact or a lead: `sync.TARGET`, ready to be read.

The engine reads it to see that something changed, deliver to see what is newest when it leaves:
both by `fields_of`, so that they never disagree.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from workflows.cel_values import EPOCH
from workflows.expressions import EvaluationError, Expression, activation, compile_expression
from workflows.policies import Policies
from workflows.scopes import Scopes
from workflows.state import Doc, iso

Side: TypeAlias = Literal["contact", "lead"]
_SIDES: tuple[Side, ...] = ("contact", "lead")

TO = "sync/"
"""What the recipient of a sync begins with."""
CLASS = "sync"
"""The class of a sync in the outbox: none of the programme's, so no policy of messages binds it."""
KEPT = "synced"
"""Where a contact's document keeps what other systems know, by `CompiledSync.key`."""


@dataclass(frozen=True, slots=True)
class CompiledSync:
    """One side of a target.

    Attributes:
        target: Its name in the programme.
        side: Whether its fields are about a contact or about a lead.
        collect: How long changes are gathered; '' sends each at once.
        values: Field to value.
        fresh: What fields say of somebody of whom nothing is known: no news of anybody.
    """

    target: str
    side: Side
    collect: str
    values: Mapping[str, Expression]
    fresh: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What names this side among everything that is synced."""
        return self.target if self.side == "contact" else f"{self.target}/lead"


def is_sync(to: str) -> bool:
    """Tell whether a row of the outbox is a sync rather than a message, by its recipient."""
    return to.startswith(TO)


def compile_syncs(policies: Policies, scopes: Scopes) -> tuple[CompiledSync, ...]:
    """Return every side of every target that has fields, targets by name.

    Raises:
        ExpressionError: Something that `check` would have found.
    """
    found = []
    for name, policy in sorted(policies.sync.items()):
        for side in _SIDES:
            scope = scopes.sync(lead=side == "lead")
            written = policy.contact if side == "contact" else policy.lead
            values = {
                name_: compile_expression(text, scope, returns="any")
                for name_, text in written.items()
            }
            if values:
                fresh = _fresh(values, scopes.zeros)
                found.append(CompiledSync(name, side, policy.collect, values, fresh))
    return tuple(found)


def _fresh(values: Mapping[str, Expression], zeros: Mapping[str, str]) -> Doc:
    """Return what fields say of somebody new where that is a word, as of a first level."""
    nobody = activation({"contact": {}, "account": {}}, EPOCH, lambda _span: EPOCH)
    found: Doc = {}
    for name, expression in values.items():
        if not zeros.keys().isdisjoint(expression.names):
            with suppress(EvaluationError):
                found[name] = expression.evaluate(nobody)
    return found


def names_of(sync: CompiledSync, contact: Doc, account: Doc, programme: Doc) -> Doc | None:
    """Return what the expressions of a side see; None where there is nothing to say.

    About a lead there is nothing to say before somebody's recommendation of it was accepted. Who
    was erased, or lives on under another id, is not told of either.
    """
    if "erased_at" in contact or "merged_into" in contact:
        return None
    names: Doc = {"contact": contact, "account": account, "programme": programme}
    if sync.side == "lead":
        referral = referral_in(contact)
        if referral is None:
            return None
        names["referral"] = referral
    return names


def numbers_of(contact: Doc) -> Doc:
    """Return what is to be kept of syncs where all else goes: no row's key is used twice."""
    known: Doc = contact.get(KEPT, {})
    return (
        {KEPT: {key: {"number": said.get("number", 0)} for key, said in known.items()}}
        if known
        else {}
    )


def referral_in(contact: Doc) -> Doc | None:
    """Return the recommendation of a lead that counts now, if it was accepted."""
    referred = contact.get("referred", {})
    found = referred.get("line", {}).get(referred.get("current", ""))
    if not found or found["verdict"] != "accepted":
        return None
    return {**found, "lead": {"id": contact.get("id", "")}}


def fields_of(
    sync: CompiledSync,
    names: Doc,
    *,
    now: datetime,
    ago: Callable[[str], datetime],
    failed: Callable[[str, EvaluationError], None] | None = None,
) -> Doc:
    """Return the fields with their values, as JSON has them; instants as text, none as null.

    A value that fails is left out; `failed` is told which and why.
    """
    values = activation(names, now, ago)
    found: Doc = {}
    for name, expression in sync.values.items():
        try:
            value = expression.evaluate(values)
        except EvaluationError as error:
            if failed is not None:
                failed(name, error)
            continue
        found[name] = _plain(value)
    return found


def is_news(sync: CompiledSync, fields: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Tell whether something else is to be said than was, as the contact remembers it.

    A value never said counts as what it is for somebody of whom nothing is known.
    """
    return differs(fields, {**sync.fresh, **known.get("told", {})})


def differs(fields: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    """Tell whether something else is to be said than was; a value never said counts as none.

    >>> differs({"STARS": 0, "LEVEL": ""}, {}), differs({"STARS": 20}, {"STARS": 0})
    (False, True)
    """
    return any(
        value != told.get(field) and (value or told.get(field)) for field, value in fields.items()
    )


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return None if value == EPOCH else iso(value)
    return value
