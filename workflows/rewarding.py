"""The policies of rewards, tiers and contests, ready to be asked.

Everything is indexed when the programme is loaded: an event that counts for nothing here
costs one look into a set.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from workflows.expressions import Expression, compile_expression
from workflows.policies import Policies
from workflows.policies_rewards import Contest
from workflows.scopes import Scopes
from workflows.wallclock import local_to_utc

TAKES_BACK = frozenset({"referral.voided"})
"""Facts that take back what an event about the same referral had counted for."""


LOST = "referral.lost"
"""Takes a win back, where wins are what a tier counts."""
CHOICE = "choice/"
"""What the name of a choice's stock begins with."""


@dataclass(frozen=True, slots=True)
class CompiledContest:
    """A contest with its instants and its condition.

    Attributes:
        start: Its period begins.
        end: Its period is over; exactly then is outside.
        freeze: What arrived by then counts; the draw follows.
        types: Event types that earn entries, or a gift.
        entry_ifs: The condition of each entry, in their order.
        reads: Fields of a contact that any of these conditions reads.
        reads_firm: Fields of its account.
    """

    name: str
    policy: Contest
    start: datetime
    end: datetime
    freeze: datetime
    if_: Expression | None
    types: frozenset[str]
    entry_ifs: tuple[Expression | None, ...]
    reads: frozenset[str] = frozenset()
    reads_firm: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rewarding:
    """What the domain's rules look up.

    Attributes:
        reverse_on: Event types that take a reward back, with the spans of the win in which
            they do; '' is without end.
        counted: Event types that tiers, contests or gifts count, and what takes those back.
        listens: All of these: facts among them are handled like events.
        stocks: What gifts there are of each kind, by stock: a contest's name, or `choice/NAME`.
        choices: What a reward can be spent on.
        by_event: The contests that an event type matters to.
        entering: Fields of a contact that any contest's conditions read.
    """

    reverse_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    counted: frozenset[str] = frozenset()
    listens: frozenset[str] = frozenset()
    stocks: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    choices: frozenset[str] = frozenset()
    contests: Mapping[str, CompiledContest] = field(default_factory=dict)
    by_event: Mapping[str, tuple[CompiledContest, ...]] = field(default_factory=dict)
    entering: frozenset[str] = frozenset()


def instant_of(text: str, zone: ZoneInfo) -> datetime:
    """Return an instant as a policy writes it: wall clock of the programme, or with an offset.

    Raises:
        ValueError: It is neither.
    """
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC) if at.tzinfo else local_to_utc(at, zone)


def compile_rewarding(policies: Policies, scopes: Scopes, zone: ZoneInfo) -> Rewarding:
    """Return the policies compiled.

    Raises:
        ExpressionError, ValueError: Something that `check` would have found.
    """
    reverse_on: dict[str, tuple[str, ...]] = {}
    for each in policies.rewards.reverse:
        for kind in each.event:
            reverse_on[kind] = (*reverse_on.get(kind, ()), each.within)
    contests = {
        name: _contest(name, policy, scopes, zone) for name, policy in policies.contests.items()
    }
    by_event: dict[str, tuple[CompiledContest, ...]] = {}
    for contest in contests.values():
        for kind in contest.types:
            by_event[kind] = (*by_event.get(kind, ()), contest)
    counted = set(by_event)
    if policies.tiers:
        counted.add(policies.tiers.count)
    if counted:
        counted |= {*TAKES_BACK, LOST}
    ends = {"contest.disqualified"} if contests else set()
    return Rewarding(
        reverse_on=MappingProxyType(reverse_on),
        counted=frozenset(counted),
        listens=frozenset(counted | ends | reverse_on.keys() | TAKES_BACK),
        contests=MappingProxyType(contests),
        stocks=MappingProxyType(_stocks(policies)),
        choices=frozenset(
            each if isinstance(each, str) else each.choice for each in policies.rewards.choices
        ),
        by_event=MappingProxyType(by_event),
        entering=frozenset().union(*(contest.reads for contest in contests.values())),
    )


def _stocks(policies: Policies) -> dict[str, Mapping[str, int]]:
    found: dict[str, Mapping[str, int]] = {
        f"{CHOICE}{each.choice}": each.stock
        for each in policies.rewards.choices
        if not isinstance(each, str) and each.stock
    }
    for name, contest in policies.contests.items():
        if contest.gifts:
            found[name] = contest.gifts.stock
    return found


def _contest(name: str, policy: Contest, scopes: Scopes, zone: ZoneInfo) -> CompiledContest:
    condition = policy.if_
    types = {kind for entry in policy.entries for kind in entry.event}
    if policy.gifts:
        types.update(policy.gifts.event)
    if_ = compile_expression(condition, scopes.contest(), returns="bool") if condition else None
    entry_ifs = tuple(
        compile_expression(each.if_, scopes.trigger(each.event), returns="bool")
        if each.if_
        else None
        for each in policy.entries
    )
    return CompiledContest(
        name,
        policy,
        instant_of(policy.period[0], zone),
        instant_of(policy.period[1], zone),
        instant_of(policy.freeze, zone),
        if_,
        frozenset(types),
        entry_ifs,
        reads_of((if_, *entry_ifs), "contact"),
        reads_of((if_, *entry_ifs), "account"),
    )


def reads_of(conditions: Iterable[Expression | None], root: str) -> frozenset[str]:
    """Return the fields of a `contact`, or of an `account`, that conditions read."""
    paths = (name.split(".") for each in conditions if each for name in each.names)
    return frozenset(path[1] for path in paths if path[0] == root and len(path) > 1)
