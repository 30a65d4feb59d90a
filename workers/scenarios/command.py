"""What `vouch test` and `vouch simulate` do, apart from printing it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import structlog

from events.errors import VouchError, did_you_mean
from workers.cli.context import programme_folder
from workers.scenarios.report import to_json, to_junit, to_text
from workers.scenarios.simulate import FORMATS, simulate, to_lines, until_of
from workers.scenarios.standins import with_stand_ins
from workers.scenarios.suite import run_folder
from workflows.check.findings import errors_of
from workflows.check.programme import check
from workflows.folder import PROGRAMME_FILE
from workflows.load import load_folder, load_programme

_REPORTS: Mapping[str, Callable[..., str]] = MappingProxyType(
    {"text": to_text, "json": to_json, "junit": to_junit}
)


class FormatError(VouchError):
    """A report in a form that there is not."""

    code = "unknown-format"

    def __init__(self, given: str, known: Sequence[str]) -> None:
        super().__init__(f"unknown format {given!r}", hint=did_you_mean(given, known))


class WrongProgrammeError(VouchError):
    """A programme that is not worth simulating: it could not be applied."""

    code = "programme-wrong"


def run_paths(
    programme: Path | None,
    paths: Sequence[Path],
    format_: str = "text",
    *,
    coverage: bool = False,
) -> tuple[str, bool]:
    """Return the report on the scenarios that `paths` name, and whether all passed.

    With `coverage` it also tells which steps and outcomes none of them goes through.

    Without a programme named, it is the one that the first path lies in; else the one of
    the environment, else the folder we are in.

    Raises:
        FormatError, NoScenarioError, FolderError, UsageError: Nothing could be run.
    """
    if format_ not in _REPORTS:
        raise FormatError(format_, list(_REPORTS))
    folder = programme or (around(paths[0]) if paths else None)
    with _quiet():
        report = run_folder(programme_folder(folder), paths)
    return _REPORTS[format_](report, coverage=coverage), not report.failed


def around(path: Path) -> Path | None:
    """Return the programme that a path is, or lies in; None if it lies in none."""
    here = path.resolve()
    if not here.exists():
        return None
    return next((each for each in (here, *here.parents) if (each / PROGRAMME_FILE).is_file()), None)


def simulate_file(folder: Path, events: Path, until: str = "", format_: str = "text") -> list[str]:
    """Return the facts that a programme makes of a file of events, a line each.

    Raises:
        FormatError, SimulationError, FolderError, WrongProgrammeError: Nothing could be played.
    """
    if format_ not in FORMATS:
        raise FormatError(format_, FORMATS)
    loaded = load_programme(load_folder(folder))
    loaded, missing = with_stand_ins(loaded, loaded.workflows)
    errors = errors_of(check(loaded, only=loaded.workflows, strict=False))
    if errors:
        raise WrongProgrammeError(
            f"{folder} has {len(errors)} errors, the first in {errors[0].file}:{errors[0].line}",
            hint=f"vouch check {folder}",
        )
    end = until_of(until, loaded) if until else None
    with _quiet():
        facts = simulate(loaded, _lines(events), end)
    told = list(to_lines(facts, loaded, format_))
    return [f"warning: {each.message}" for each in missing] + told if format_ == "text" else told


@contextmanager
def _quiet() -> Iterator[None]:
    """Let trials log nothing: what they come to is the report, which programs read."""
    known = structlog.get_config()
    structlog.configure(
        logger_factory=structlog.ReturnLoggerFactory(), cache_logger_on_first_use=False
    )
    try:
        yield
    finally:
        structlog.configure(**known)


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        yield from opened
