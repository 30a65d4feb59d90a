"""The programme that is applied, compiled; read from the database, never from a folder."""

import os
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from events.catalogue import Catalogue, default_catalogue
from events.errors import VouchError
from store import definitions
from store.db import Store
from workers.clock import Clock
from workers.seeds import seeds_of
from workflows.compiled import Programme, version_of
from workflows.compiling import compile_programme, compile_workflow
from workflows.definition import Workflow
from workflows.folder import PROGRAMME_FILE
from workflows.loaded import Loaded, from_bundle
from workflows.sources import CompiledSource, compile_source
from workflows.state import Run

LOOK_AGAIN = timedelta(seconds=1)
"""How long a process may go on with a programme after another was applied."""


class NoProgrammeError(VouchError):
    """Nothing was applied to this database yet."""

    code = "no-programme"

    def __init__(self) -> None:
        super().__init__("no programme is applied", hint="apply one: vouch apply FOLDER")


def catalogue_of(loaded: Loaded) -> Catalogue:
    """Return the event types of a programme: the domain's and its own, scores on its scale."""
    catalogue = default_catalogue().with_scale(loaded.policies.nps.scale)
    if loaded.event_types:
        catalogue = catalogue.with_types(loaded.event_types)
    own = loaded.policies.fields.contact
    return catalogue.with_contact_fields(own) if own else catalogue


def compile_loaded(
    loaded: Loaded, *, hash_: str = "", only: Iterable[str] | None = None
) -> tuple[Programme, dict[str, CompiledSource]]:
    """Return a programme ready to run, and its sources; `only` names the workflows wanted."""
    wanted = set(loaded.workflows if only is None else only)
    catalogue = catalogue_of(loaded)
    programme = compile_programme(
        loaded.policies,
        {name: each for name, each in loaded.workflows.items() if name in wanted},
        templates={(k.name, k.locale, k.kind): text for k, text in loaded.templates.items()},
        catalogue=catalogue,
        hash_=hash_,
    )
    sources = {
        name: compile_source(source, programme.scopes.source())
        for name, source in loaded.sources.items()
    }
    return programme, sources


class Applied:
    """One applied programme, compiled."""

    def __init__(self, hash_: str, bundle: Mapping[str, Any]) -> None:
        loaded = from_bundle(bundle)
        self.hash = hash_
        self.programme, self.sources = compile_loaded(loaded, hash_=hash_)
        self.catalogue = self.programme.catalogue

    @property
    def policies(self) -> Any:  # noqa: ANN401
        """The programme's policies."""
        return self.programme.policies

    @property
    def templates(self) -> Mapping[tuple[str, str, str], str]:
        """The programme's words, by name, locale and kind."""
        return self.programme.templates


class Programmes:
    """Gives the newest applied programme; looks for a newer one once a second.

    Attributes:
        alone: Nobody else applies one to this database, so that only `forget` makes it look.
    """

    def __init__(
        self, store: Store, clock: Clock, *, secrets: Mapping[str, str] = os.environ
    ) -> None:
        self.alone = False
        self._store = store
        self._secrets = secrets
        self._clock = clock
        self._lock = Lock()
        self._applied: Applied | None = None
        self._looked: datetime | None = None

    def current(self) -> Applied:
        """Return the programme applied now.

        Raises:
            NoProgrammeError: There is none yet.
        """
        now = self._clock.now()
        looked = self._looked
        stale = looked is None or (not self.alone and now - looked >= LOOK_AGAIN)
        if self._applied is None or stale:
            with self._lock:
                self._refresh()
                self._looked = now
        if self._applied is None:
            raise NoProgrammeError
        return self._applied

    def remember(self, applied: Applied) -> None:
        """Start with a programme that was compiled elsewhere; a newer one is found all the same."""
        self._applied = applied

    def forget(self) -> None:
        """Look again at the next call: something was applied in this process."""
        self._looked = None

    def _refresh(self) -> None:
        with self._store.reader() as conn:
            hash_ = definitions.head_hash(conn)
            if hash_ is None or (self._applied is not None and self._applied.hash == hash_):
                return
            head = definitions.head(conn)
        if head is not None:
            older = self._applied.programme.versions if self._applied else {}
            applied = Applied(head[0], head[1])
            applied.programme.seeds = seeds_of(applied.policies, self._secrets)
            applied.programme.versions = {**older, **applied.programme.versions}
            self._applied = applied

    def know_versions(self, programme: Programme, runs: Iterable[Run]) -> None:
        """Make known the older versions that live runs keep."""
        self._read(programme, {run.version for run in runs} - programme.versions.keys())

    def learn(self, version: str) -> bool:
        """Make one version known that an operator names; False if it is known, or was never."""
        programme = self.current().programme
        if version in programme.versions:
            return False
        self._read(programme, {version})
        return version in programme.versions

    def _read(self, programme: Programme, missing: set[str]) -> None:
        if not missing:
            return
        with self._store.reader() as conn:
            found = definitions.workflows(conn, sorted(missing))
        for doc in found.values():
            workflow = Workflow.model_validate(doc)
            programme.add_version(compile_workflow(workflow, programme.scopes))


def apply_loaded(store: Store, loaded: Loaded, *, now: datetime, by: str, commit: str = "") -> str:
    """Make a programme the one that workers run; return its hash."""
    bundle = loaded.bundle()
    hash_ = version_of(bundle)
    workflows = {}
    for name, workflow in loaded.workflows.items():
        doc = workflow.canonical()
        workflows[version_of(doc)] = (name, doc)
    with store.transaction() as conn:
        definitions.apply(
            conn, bundle, hash=hash_, workflows=workflows, now=now, by=by, commit=commit,
            texts=_texts(loaded, hash_),
        )  # fmt: skip
    return hash_


def _texts(loaded: Loaded, hash_: str) -> dict[str, tuple[str, str]]:
    """Return the files that explanations may point into, by the hash of what they define."""
    found = {
        version_of(workflow.canonical()): f"workflows/{name}.yaml"
        for name, workflow in loaded.workflows.items()
    }
    found[hash_] = PROGRAMME_FILE
    return {
        key: (path, loaded.documents[path].text)
        for key, path in found.items()
        if path in loaded.documents
    }
