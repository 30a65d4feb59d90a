"""A programme ready to run: what the engine and the guard read, shared by all turns.

`compiling` makes it from what was read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from events.catalogue import Catalogue
from workflows.calendars import Calendar, make_calendar
from workflows.definition import Workflow
from workflows.expressions import Expression
from workflows.mail_domains import MailDomains
from workflows.moments import CompiledMoments
from workflows.nodes import Node
from workflows.policies import STAFF, MessageClass, Policies
from workflows.rewarding import Rewarding
from workflows.scopes import Scopes
from workflows.state import Doc, Run
from workflows.syncs import CompiledSync
from workflows.themes import Finder
from workflows.words import Template

ALWAYS = make_calendar(
    ("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ("00:00", "24:00"), (), ZoneInfo("UTC")
)


OF_ACCOUNTS = frozenset({"customer.started", "customer.ended"})
"""Types of which an account is the subject: its runs hear of what its contacts do."""


def version_of(definition: Mapping[str, Any]) -> str:
    """Return the content hash of a definition: the same for the same meaning."""
    return sha256(orjson.dumps(definition, option=orjson.OPT_SORT_KEYS)).hexdigest()[:20]


@dataclass(slots=True)
class CompiledExit:
    """An exit with its condition compiled."""

    types: tuple[str, ...]
    if_: Expression | None
    as_: str


@dataclass(slots=True)
class CompiledWorkflow:
    """One version of a workflow.

    Attributes:
        listens: Event types that any part of it reacts to.
        heard: Types its `wait_for` and `seen()` may look back to: kept by its runs.
        left: Types of its exits.
        hears: Types that one of its runs, once live, reacts to.
        registered: The contacts of an account share its runs (see `account_runs`).
    """

    name: str
    version: str
    definition: Workflow
    nodes: dict[str, Node]
    first: str
    types: tuple[str, ...]
    if_: Expression | None
    exits: tuple[CompiledExit, ...]
    titles: dict[str, Template]
    listens: frozenset[str]
    heard: frozenset[str]
    hears: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    registered: bool = False


@dataclass(frozen=True, slots=True)
class CompiledDoing:
    """A kind of ask that an event answers without a word, under a condition."""

    kind: str
    if_: Expression | None


@dataclass(slots=True)
class Programme:
    """Everything the engine and the guard read; values only, shared by all turns."""

    hash: str
    policies: Policies
    catalogue: Catalogue
    zone: ZoneInfo
    calendars: dict[str, Calendar]
    slot: time
    quiet: tuple[time, time] | None
    workflows: dict[str, CompiledWorkflow]
    templates: dict[tuple[str, str, str], str]
    asks_if: Expression | None
    rewards_if: Expression | None
    role_ifs: dict[str, Expression]
    facts: Doc
    scopes: Scopes
    rewarding: Rewarding = field(default_factory=Rewarding)
    earning: frozenset[str] = frozenset()  # fields of a contact that `rewards.if` reads
    earning_firm: frozenset[str] = frozenset()  # and of its account
    versions: dict[str, CompiledWorkflow] = field(default_factory=dict)
    by_type: dict[str, tuple[CompiledWorkflow, ...]] = field(default_factory=dict)
    listens: frozenset[str] = frozenset()
    heard: frozenset[str] = frozenset()
    shared: dict[str, tuple[str, ...]] = field(default_factory=dict)
    needs_loads: bool = False
    members_hear: frozenset[str] = frozenset()
    members_read: frozenset[str] = frozenset()  # with these an account is given its contacts
    account_roles: bool = False  # a role names the owner or manager of an account
    doing: dict[str, tuple[CompiledDoing, ...]] = field(default_factory=dict)
    moments: CompiledMoments | None = None
    themes: Finder | None = None
    seeds: dict[str, str] = field(default_factory=dict)  # by contest: checked, for its draw
    firm_checks: bool = False
    mail: MailDomains = field(default_factory=MailDomains)
    syncs: tuple[CompiledSync, ...] = ()
    draws: dict[str, int] = field(default_factory=dict)  # by step: what a scenario says is drawn

    @property
    def dated(self) -> frozenset[str]:
        """Fields of a contact that something is judged by as they were: rewards, contests."""
        return self.earning | self.rewarding.entering

    @property
    def office(self) -> Calendar:
        """The calendar that business days and hours count on."""
        return self.calendars.get("office", ALWAYS)

    def of(self, run: Run) -> CompiledWorkflow:
        """Return the version a run started with.

        Raises:
            KeyError: That version was not added (see `add_version`).
        """
        return self.versions[run.version]

    def add_version(self, workflow: CompiledWorkflow) -> None:
        """Make an older version known, for the runs that keep it."""
        self.versions[workflow.version] = workflow

    def class_of(self, name: str) -> MessageClass:
        """Return a message class by name; `staff` is built in."""
        return STAFF if name == "staff" else self.policies.classes[name]

    def has_words(self, template: str) -> bool:
        """Tell whether somebody wrote a mail of this name, in whatever language."""
        return any(
            (template, locale, "email") in self.templates for locale in self.policies.locales
        )

    def rung(self, kind: str) -> int:
        """Return a kind's place on the ladder, least effort first; -1 if it has none."""
        for number, rung in enumerate(self.policies.asks.ladder):
            if rung.kind == kind:
                return number
        return -1
