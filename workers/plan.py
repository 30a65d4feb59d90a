"""What applying a programme would do: to definitions, to runs under way, to planned messages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from store import definitions
from store.db import Connection
from store.listings import work
from workers.mapping import MovesOf
from workflows.comparing import Difference, differences
from workflows.compiled import version_of
from workflows.definition import Workflow
from workflows.firings import Firing, firings
from workflows.loaded import Loaded
from workflows.migration import Goes, Stays, place_in
from workflows.nodes import Node, flatten

Fate: TypeAlias = Literal["moves", "could_move", "needs_mapping", "removed"]


@dataclass(frozen=True, slots=True)
class Flight:
    """Live runs of one version that stand in one step, and what becomes of them.

    Attributes:
        fate: They stay with their version in any case but `moves`, which a mapping says;
            `could_move` by a mapping that names their workflow, `needs_mapping` if that says
            more; of one that is `removed` they end by themselves.
        to: The step they go on in, or would.
        enters: They begin that step anew.
        reason: Why a mapping has to say more.
    """

    workflow: str
    version: str
    step: str
    count: int
    fate: Fate
    to: str = ""
    enters: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages planned already whose words change or go."""

    workflow: str
    template: str
    how: str
    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The next firings of one schedule: a workflow's, or that of the tiers."""

    name: str
    schedule: str
    firings: list[Firing]


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying would do."""

    head: str
    hash: str
    differences: list[Difference] = field(default_factory=list)
    flights: list[Flight] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    schedules: list[Scheduled] = field(default_factory=list)
    zone: str = "UTC"

    @property
    def unclear(self) -> list[Flight]:
        """The runs that a mapping has yet to say something about."""
        return [each for each in self.flights if each.fate == "needs_mapping"]


def plan(
    conn: Connection, loaded: Loaded, moves: Mapping[str, MovesOf] | None = None, *, now: datetime
) -> Plan:
    """Return what applying this programme would do at `now`, runs moved as `moves` says."""
    bundle = loaded.bundle()
    head = definitions.head(conn)
    found = differences(head[1] if head else None, bundle)
    return Plan(
        head=head[0] if head else "",
        hash=version_of(bundle),
        differences=found,
        flights=list(_flights(conn, loaded.workflows, moves or {})),
        waiting=list(_waiting(conn, found)),
        schedules=list(_schedules(loaded, now)),
        zone=loaded.policies.zone,
    )


def _schedules(loaded: Loaded, now: datetime) -> Iterator[Scheduled]:
    zone = ZoneInfo(loaded.policies.zone)
    lines = {name: each.trigger.schedule for name, each in loaded.workflows.items()}
    tiers = loaded.policies.tiers
    if tiers is not None:
        lines["tiers"] = tiers.lower
    for name, line in sorted(lines.items()):
        if line:
            yield Scheduled(name, line, firings(line, zone, now))


def _flights(
    conn: Connection, workflows: Mapping[str, Workflow], moves: Mapping[str, MovesOf]
) -> Iterator[Flight]:
    """Give the live runs whose version is not the new one."""
    rows = work.in_flight(conn)
    new = {name: version_of(each.canonical()) for name, each in workflows.items()}
    other = [row for row in rows if new.get(row["workflow"]) != row["version"]]
    docs = definitions.workflows(conn, {row["version"] for row in other})
    nodes = {version: _nodes(doc) for version, doc in docs.items()}
    targets = {row["workflow"]: flatten(workflows[row["workflow"]]) for row in other
               if row["workflow"] in workflows}  # fmt: skip
    for row in other:
        name, step = row["workflow"], row["step"] or ""
        place = (name, row["version"], step, row["count"])
        if name not in targets:
            yield Flight(*place, "removed")
            continue
        said = moves.get(name)
        came = place_in(nodes.get(row["version"], {}), targets[name], step, said or {})
        if isinstance(came, Stays):
            yield Flight(*place, "needs_mapping", reason=came.reason)
        else:
            yield _goes(place, came, moved=said is not None)


def _goes(place: tuple[str, str, str, int], came: Goes, *, moved: bool) -> Flight:
    return Flight(*place, "moves" if moved else "could_move", came.step, came.enters)


def _nodes(doc: Mapping[str, Any]) -> dict[str, Node]:
    return flatten(Workflow.model_validate(doc))


def _waiting(conn: Connection, found: list[Difference]) -> Iterator[Waiting]:
    """Give planned messages whose words are others when they leave: those are always the newest."""
    words = {each.name.split("/")[1]: each.how for each in found if each.part == "template"}
    for row in work.planned(conn):
        how = words.get(row["template"])
        if how in {"changed", "removed"}:
            place = (row["workflow"], row["template"], how)
            yield Waiting(*place, row["count"], row["first"], row["last"])
