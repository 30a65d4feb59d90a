"""Every scenario, in each of the three ways: the test of the whole engine on the whole shell.

`workflows/library/scenarios` are the stories that ship. `tests/scenarios/library` are more
stories of the programme that ships, `tests/scenarios/programmes` programmes of the tests' own.
"""

from functools import cache
from pathlib import Path

import pytest

from workers.scenarios.play import WAYS
from workers.scenarios.suite import ScenarioResult, find_documents, run_document
from workflows.check.findings import render_text
from workflows.load import load_folder, load_programme
from workflows.loaded import Loaded

HERE = Path(__file__).parent
LIBRARY = HERE.parents[1] / "workflows" / "library"


@cache
def _loaded(folder: Path) -> Loaded:
    return load_programme(load_folder(folder))


def _result(folder: Path, scenario: Path) -> ScenarioResult:
    loaded = _loaded(folder)
    (document,) = find_documents(loaded, folder, [scenario])
    return run_document(document, loaded)


def _stories() -> list[tuple[Path, Path]]:
    found = [(LIBRARY, path) for path in sorted((LIBRARY / "scenarios").rglob("*.yaml"))]
    found += [(LIBRARY, path) for path in sorted((HERE / "library").rglob("*.yaml"))]
    for folder in sorted((HERE / "programmes").iterdir()):
        found += [(folder, path) for path in sorted((folder / "scenarios").rglob("*.yaml"))]
    return found


@pytest.mark.parametrize(
    ("folder", "scenario"), _stories(), ids=lambda path: path.stem if path.suffix else ""
)
def test_a_story_comes_out_as_expected(folder: Path, scenario: Path) -> None:
    """Everything a scenario expects happens, nothing else does, in whatever way it is played."""
    result = _result(folder, scenario)
    assert not result.error
    assert [played.way for played in result.ways] == list(WAYS), render_text(result.findings)
    for played in result.ways:
        assert played.passed, f"{played.way}: {played.differences}"
        assert played.way != "crashes" or played.crashes > 0
