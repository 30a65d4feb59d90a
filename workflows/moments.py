"""The policy of moments, ready to be asked: how much each weighs, and what may be asked at it.

Source: LANGUAGE section 7. What becomes of a contact's moments is `workflows.domain.moments`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workflows.expressions import Expression, compile_expression
from workflows.policies import Asks, Moments
from workflows.scopes import Scopes


@dataclass(frozen=True, slots=True)
class Opening:
    """A kind of ask that a moment opens, under a condition."""

    kind: str
    if_: Expression | None


@dataclass(frozen=True, slots=True)
class CompiledMoment:
    """One event that is a moment: its weight, and how long it is worth asking on."""

    rank: int
    valid: str
    opens: tuple[Opening, ...]
    if_: Expression | None = None


@dataclass(frozen=True, slots=True)
class CompiledMoments:
    """All moments of a programme, by the type of their event."""

    collect: str
    by_type: dict[str, CompiledMoment]


def compile_moments(policy: Moments | None, scopes: Scopes) -> CompiledMoments | None:
    """Return the moments with their conditions compiled; None where the programme has none.

    Raises:
        ExpressionError: A condition that `check` would have found.
    """
    if policy is None:
        return None
    by_type: dict[str, CompiledMoment] = {}
    for moment in policy.events:
        scope = scopes.opens(moment.event)
        opens = tuple(
            Opening(o.kind, compile_expression(o.if_, scope, returns="bool") if o.if_ else None)
            for o in moment.opens
        )
        if_ = compile_expression(moment.if_, scope, returns="bool") if moment.if_ else None
        compiled = CompiledMoment(moment.rank, moment.valid, opens, if_)
        for kind in moment.event:
            by_type.setdefault(kind, compiled)
    return CompiledMoments(policy.collect, by_type)


def kind_at(
    opens: Sequence[Opening],
    asks: Asks,
    refused: str,
    holds: Callable[[Expression | None], bool],
) -> str:
    """Return the kind of ask that a moment leads to; '' where nothing may be asked at it.

    It is the first of `opens` whose condition holds. After a no to `refused`, only kinds
    below it on the ladder are allowed, and where none of them opens, it is the rung just
    below. Below the lowest rung there is nothing, until the next yes.
    """
    ladder = [rung.kind for rung in asks.ladder]
    if refused not in ladder:
        return next((each.kind for each in opens if holds(each.if_)), "")
    below = ladder[: ladder.index(refused)]
    allowed = (each.kind for each in opens if each.kind in below and holds(each.if_))
    return next(allowed, below[-1] if below else "")
