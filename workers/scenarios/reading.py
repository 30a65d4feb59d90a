"""Reads a scenario: its form, then every name in it that only the programme can tell."""

from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from workers.scenarios.doubts import Doubts
from workers.scenarios.form import Scenario
from workers.scenarios.names import Names
from workers.scenarios.standins import with_stand_ins
from workflows.check.findings import Finding, errors_of, sort_findings
from workflows.check.programme import check
from workflows.check.structure import read_model
from workflows.load import with_policies
from workflows.loaded import Loaded
from workflows.wallclock import zone_or
from workflows.yaml_document import Document

_ABOUT = frozenset({"V061"})
"""What scenarios lay over a programme on purpose: that somebody has left."""


@dataclass(frozen=True, slots=True)
class Story:
    """A scenario ready to be played.

    Attributes:
        loaded: The programme as this scenario has it: its workflows, `with:` laid over.
        zone: The programme's: times without an offset are its wall clock.
        document: The file as it was written.
    """

    file: str
    scenario: Scenario
    loaded: Loaded
    zone: ZoneInfo
    document: Document | None = None


def read_story(document: Document, loaded: Loaded) -> tuple[Story | None, list[Finding]]:
    """Return a scenario ready to be played, and what is wrong; None if that keeps it from it.

    A programme that is wrong in what this scenario loads keeps it from being played too.
    """
    if document.root is None or errors_of(document.findings):
        return None, sort_findings(document.findings)
    if not isinstance(document.data, dict):
        spot = document.position(())
        return None, [document.finding("V013", spot, "a mapping is needed here")]
    form = read_model(Scenario, document, document.data)
    read, wrong = form.model, form.findings
    if read is None:
        return None, sort_findings(wrong)
    laid = _laid(document, read, loaded)
    chosen = _chosen(read, laid)
    mine = {name: flow for name, flow in laid.workflows.items() if name in chosen}
    wrong += [] if wrong else _doubts(document, read, laid)
    wrong += _of_names(document, read, laid, loaded)
    laid, missing = with_stand_ins(laid, chosen)
    wrong += [*missing, *check(laid, only=chosen, strict=False)]
    findings = sort_findings(wrong)
    if errors_of(findings):
        return None, findings
    zone = zone_or(laid.policies.zone, ZoneInfo("UTC"))[0]
    story = Story(document.file, read, replace(laid, workflows=mine), zone, document)
    return story, findings


def scenario_findings(document: Document, loaded: Loaded) -> list[Finding]:
    """Return what is wrong in a scenario's own file, without playing it."""
    if document.root is None or not isinstance(document.data, dict):
        return []  # loading has said so
    form = read_model(Scenario, document, document.data)
    read, wrong = form.model, form.findings
    if read is None:
        return wrong
    laid = _laid(document, read, loaded)
    wrong += [] if wrong else _doubts(document, read, laid)
    wrong += _of_names(document, read, laid, loaded)
    if read.with_:
        laid, _ = with_stand_ins(laid, _chosen(read, laid))
        every = check(laid, only=_chosen(read, laid), strict=False)
        mine = [found for found in every if found.file == document.file]
        wrong += [found for found in mine if found.code not in _ABOUT]
    return wrong


def _laid(document: Document, read: Scenario, loaded: Loaded) -> Loaded:
    return with_policies(loaded, document, read.with_) if read.with_ else loaded


def _chosen(read: Scenario, laid: Loaded) -> set[str]:
    return set(laid.workflows if read.workflows is None else read.workflows)


def _doubts(document: Document, read: Scenario, laid: Loaded) -> list[Finding]:
    if not laid.policies_read:
        return []
    zone = zone_or(laid.policies.zone, ZoneInfo("UTC"))[0]
    return Doubts(document, read, laid, zone).findings()


def _of_names(document: Document, read: Scenario, laid: Loaded, loaded: Loaded) -> list[Finding]:
    """Return the names of a scenario that nothing bears, and what laying over made wrong."""
    wrong = [found for found in laid.findings if found.file == document.file]
    if laid.policies_read:
        chosen = _chosen(read, laid)
        mine = {name: flow for name, flow in laid.workflows.items() if name in chosen}
        wrong += Names(document, read, replace(laid, workflows=mine), loaded).findings()
    return wrong
