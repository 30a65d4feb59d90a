"""Plays every scenario of a programme in three ways and reports: what `vouch test` does."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from events.errors import VouchError
from workers.scenarios.compare import Difference, between_ways, differences
from workers.scenarios.coverage import Covered, Reached, coverage, reached_in
from workers.scenarios.observe import observe
from workers.scenarios.play import WAYS, Played, Way, play
from workers.scenarios.reading import Story, read_story
from workflows.check.findings import Finding, errors_of
from workflows.load import load_folder, load_programme
from workflows.loaded import Loaded
from workflows.yaml12 import FILE_BYTES_MAX, load_yaml
from workflows.yaml_document import Document

SCENARIOS_MAX = 5_000


class NoScenarioError(VouchError):
    """A path that should be a scenario, or a folder of scenarios, is none."""

    code = "no-scenario"


@dataclass(frozen=True, slots=True)
class WayResult:
    """How one way of playing a scenario went."""

    way: Way
    differences: tuple[Difference, ...]
    crashes: int = 0

    @property
    def passed(self) -> bool:
        """Whether everything came out as expected."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """How a scenario went; one whose form is wrong was not played."""

    file: str
    scenario: str
    ways: tuple[WayResult, ...] = ()
    findings: tuple[Finding, ...] = ()
    error: str = ""
    reached: Reached = field(default_factory=Reached)

    @property
    def passed(self) -> bool:
        """Whether it was played in every way, and all came out as expected."""
        played = bool(self.ways) and all(way.passed for way in self.ways)
        return played and not self.error

    @property
    def differences(self) -> list[Difference]:
        """Every difference, those of the story as written first, none twice."""
        found: list[Difference] = []
        for way in self.ways:
            found += (each for each in way.differences if each not in found)
        found += (_of_form(each) for each in errors_of(self.findings))
        if self.error:
            found.append(Difference("played", None, None, self.error))
        return found


@dataclass(frozen=True, slots=True)
class Report:
    """How all went."""

    results: tuple[ScenarioResult, ...] = field(default=())
    loaded: Loaded | None = None

    @property
    def passed(self) -> int:
        """How many passed."""
        return sum(result.passed for result in self.results)

    @property
    def failed(self) -> int:
        """How many did not."""
        return len(self.results) - self.passed

    @property
    def covered(self) -> list[Covered]:
        """What the scenarios reach of each workflow of the programme."""
        if self.loaded is None:
            return []
        every = Reached()
        for result in self.results:
            every |= result.reached
        return coverage(self.loaded, every)


def _of_form(finding: Finding) -> Difference:
    place = f"{finding.file}:{finding.line}:{finding.column}"
    return Difference("form", None, f"{place}: {finding.message}", finding.help)


def run_folder(
    folder: Path | str, paths: Sequence[Path | str] = (), *, ways: Sequence[Way] = WAYS
) -> Report:
    """Play the scenarios of a programme: all of its own, or those of `paths`.

    Raises:
        FolderError: `folder` is no folder.
        NoScenarioError: One of `paths` is no file, or a folder without any.
    """
    loaded = load_programme(load_folder(folder))
    documents = list(find_documents(loaded, Path(folder), paths))
    results = tuple(run_document(document, loaded, ways=ways) for document in documents)
    return Report(results, loaded)


def find_documents(
    loaded: Loaded, folder: Path, paths: Sequence[Path | str] = ()
) -> Iterator[Document]:
    """Give the scenarios that `paths` name, files or folders; all of the programme without any.

    A path is looked for as it is, then below the programme.

    Raises:
        NoScenarioError: Nothing is there.
    """
    if not paths:
        yield from (document for _, document in sorted(loaded.scenarios.items()))
        return
    for path in paths:
        files = [p for base in (Path(path), folder / path) if (p := base).exists()]
        if not files:
            raise NoScenarioError(f"there is no {path}", hint="give a scenario or a folder of them")
        yield from _documents(loaded, folder, files[0])


def _documents(loaded: Loaded, folder: Path, path: Path) -> Iterator[Document]:
    files = [path] if path.is_file() else sorted(_below(path))
    if not files:
        raise NoScenarioError(f"{path} holds no scenario", hint="scenarios end in .yaml")
    for file in files:
        inside = file.resolve().is_relative_to(folder.resolve())
        name = file.resolve().relative_to(folder.resolve()).as_posix() if inside else str(file)
        if name in loaded.scenarios:
            yield loaded.scenarios[name]
        else:
            yield load_yaml(_text(file), name)


def _below(folder: Path) -> Iterable[Path]:
    """Return the scenarios below a folder; of a programme, those in `scenarios/`."""
    if (folder / "programme.yaml").exists():
        folder /= "scenarios"
    return list(folder.rglob("*.yaml"))[:SCENARIOS_MAX]


def _text(file: Path) -> str:
    with file.open("rb") as opened:
        return opened.read(FILE_BYTES_MAX + 1).decode(errors="replace")


def run_document(
    document: Document, loaded: Loaded, *, ways: Sequence[Way] = WAYS
) -> ScenarioResult:
    """Play one scenario in each way; its form comes first."""
    story, findings = read_story(document, loaded)
    if story is None:
        data = document.data if isinstance(document.data, dict) else {}
        name = str(data.get("scenario", ""))
        return ScenarioResult(document.file, name, findings=tuple(findings))
    return run_story(story, ways=ways, findings=findings)


def run_story(
    story: Story, *, ways: Sequence[Way] = WAYS, findings: Sequence[Finding] = ()
) -> ScenarioResult:
    """Play a story in each way: each must give what is expected, and all of them the same."""
    results: list[WayResult] = []
    error, reached = "", Reached()
    try:
        first = play(story, "as_written")
        reached = reached_in(first.seen.runs)
        results += (
            _result(story, first if way == "as_written" else None, first, way) for way in ways
        )
    except VouchError as broken:
        error = f"{broken} ({broken.hint})" if broken.hint else str(broken)
    return ScenarioResult(
        story.file, story.scenario.scenario, tuple(results), tuple(findings), error, reached
    )


def _result(story: Story, played: Played | None, first: Played, way: Way) -> WayResult:
    played = played or play(story, way, compiled=first.compiled)
    observed = observe(played.seen)
    found = differences(story, played.seen, observed, way)
    if way != "as_written" and not found:
        found = between_ways(story, way, observe(first.seen), observed)
    return WayResult(way, tuple(found), played.crashes)
