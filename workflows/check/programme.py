"""Everything that is wrong with a programme, at once."""

from collections.abc import Collection
from datetime import date

from workflows.check.circles import check_circles
from workflows.check.context import Context
from workflows.check.findings import Finding, sort_findings
from workflows.check.happening import check_happening
from workflows.check.offers import check_journeys, check_offers
from workflows.check.people import check_people
from workflows.check.policies import check_policies
from workflows.check.scenarios import check_scenario
from workflows.check.sendable import check_sendable, check_touches
from workflows.check.sources import catalogue_of, check_source
from workflows.check.themes import check_themes
from workflows.check.verbs import check_office
from workflows.check.words import check_locales, check_unsent
from workflows.check.workflow import check_alike, check_workflow
from workflows.check.written import check_all_written
from workflows.folder import file_name
from workflows.loaded import Loaded
from workflows.scopes import Scopes


def check(
    loaded: Loaded,
    only: Collection[str] | None = None,
    *,
    strict: bool = True,
    today: date | None = None,
) -> list[Finding]:
    """Return what is wrong with a programme, by file, line and column; what loading found too.

    Args:
        loaded: the programme.
        only: names of workflows: the others are left out, however wrong they are.
        strict: whether what runs, and is hardly meant, is an error; a trial plays it.
        today: in the programme's zone; a role whose people are all on leave then is a finding.
            Without it nobody is.

    Expressions and names are looked at only when the policies could be read: half a programme
    would make everything in it unknown.
    """
    findings = [finding for finding in loaded.findings if _concerns(finding.file, only)]
    if not loaded.policies_read:
        return sort_findings(findings)
    catalogue, wrong = catalogue_of(loaded)
    misread = {file_name(finding.file) for finding in wrong}
    unread = loaded.unread_of("event") | {name.name for name in misread if name}
    scopes = Scopes(loaded.policies, catalogue, unread)
    context = Context(loaded, catalogue, scopes, [*findings, *wrong], strict=strict, today=today)
    check_policies(context)
    check_locales(context)
    check_people(context)
    chosen = {n: w for n, w in loaded.workflows.items() if only is None or n in only}
    for name, workflow in chosen.items():
        check_workflow(context, name, workflow)
    check_alike(context, chosen)
    check_circles(context, chosen)
    check_happening(context, chosen)
    check_sendable(context)
    check_offers(context)
    check_themes(context)
    check_journeys(context, chosen)
    check_touches(context, chosen)
    for name, source in loaded.sources.items():
        check_source(context, name, source)
    if only is None:
        for path, document in loaded.scenarios.items():
            check_scenario(context, path, document)
    check_all_written(context, None if only is None else frozenset(only))
    check_office(context)
    check_unsent(context)
    return sort_findings(_first_causes(loaded, findings, context.findings))


_LACKS = frozenset({"V011", "V019", "V020", "V022", "V025", "V029", "V070", "V071", "V076"})
"""Codes of what is wrong because something is not there."""


def _first_causes(loaded: Loaded, form: list[Finding], findings: list[Finding]) -> list[Finding]:
    """Leave out what is found at a place whose very form is wrong: it follows from that.

    So does what seems to be missing in, or right around, a mapping with a key nobody knows.
    """
    spots = {(finding.file, finding.line, finding.column) for finding in form}
    lacking = {
        (document.file, spot.line, spot.column)
        for document in loaded.documents.values()
        for loc in document.lacking
        for spot in {*document.around(loc), *document.around(loc[:-1])}
    }
    told = []
    for finding in findings:
        spot = (finding.file, finding.line, finding.column)
        if spot not in spots and not (finding.code in _LACKS and spot in lacking):
            told.append(finding)
    return form + told


def _concerns(file: str, only: Collection[str] | None) -> bool:
    """Return whether a file matters when only some workflows are looked at."""
    if only is None:
        return True
    name = file_name(file)
    if name is None:
        return False
    return name.kind != "scenario" and (name.kind != "workflow" or name.name in only)
