"""What the web process works with."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client import CollectorRegistry

from events.catalogue import Catalogue
from store.db import Store
from workers.clock import Clock
from workers.intake import Intake
from workers.settings import Settings
from workers.tokens import Tokens
from workflows.policies import Policies
from workflows.sources import CompiledSource


class Applied(Protocol):
    """What the web needs of the programme that is applied now."""

    @property
    def policies(self) -> Policies:
        """Its policies."""

    @property
    def catalogue(self) -> Catalogue:
        """Its event types."""

    @property
    def templates(self) -> Mapping[tuple[str, str, str], str]:
        """Its words, by name, locale and kind."""

    @property
    def sources(self) -> Mapping[str, CompiledSource]:
        """Its sources by name."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that requests are answered with; made once a process.

    Attributes:
        programme: Gives the programme applied now; raises a `VouchError` while there is none.
        registry: Where this process's metrics are.
        secrets: Where `env:NAME` of a source is looked up.
    """

    store: Store
    intake: Intake
    clock: Clock
    settings: Settings
    tokens: Tokens
    programme: Callable[[], Applied]
    registry: CollectorRegistry
    secrets: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
