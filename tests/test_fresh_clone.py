"""A fresh clone is compiled once, whatever the number of processes that play its tests."""

import shutil
from pathlib import Path

from tests.compiling import OURS, ROOT, compile_ours, share

PROCESSES = 4


def _clone(folder: Path) -> Path:
    """Make a clone with one module and one test module in each package."""
    for name in OURS:
        (folder / name).mkdir(parents=True)
        (folder / name / "code.py").write_text("NUMBER = 1\n")
        (folder / name / "test_code.py").write_text("assert True\n")
    return folder


def _compiled(folder: Path) -> list[str]:
    return sorted(path.name.partition(".")[0] for path in folder.rglob("*.pyc"))


def test_packages_are_compiled_before_the_processes_start(tmp_path: Path) -> None:
    """Each module once, and none that pytest compiles in its own way."""
    compile_ours(_clone(tmp_path))

    assert _compiled(tmp_path) == ["code"] * len(OURS)


def test_what_is_compiled_stays(tmp_path: Path) -> None:
    """The second run finds it, and writes nothing."""
    compile_ours(_clone(tmp_path))
    before = {path: path.stat().st_ino for path in tmp_path.rglob("*.pyc")}
    compile_ours(tmp_path)

    assert {path: path.stat().st_ino for path in tmp_path.rglob("*.pyc")} == before


def test_a_clone_that_keeps_nothing_is_played_all_the_same(tmp_path: Path) -> None:
    """Where a cache cannot be written, nothing is said and nothing is raised."""
    for name in OURS:
        (_clone(tmp_path / name) / name / "__pycache__").touch()
        compile_ours(tmp_path / name)

        assert len(_compiled(tmp_path / name)) == len(OURS) - 1


def test_each_test_module_is_rewritten_by_one_process(tmp_path: Path) -> None:
    """The shares are all of them, and none twice; of what is kept there is no share."""
    shutil.copytree(
        ROOT / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__")
    )
    every = list((tmp_path / "tests").rglob("test_*.py"))
    shares = [name for n in range(PROCESSES) for name in share(n, PROCESSES, tmp_path)]
    (kept,) = [path for path in every if path.name == Path(__file__).name]
    (kept.parent / "__pycache__").mkdir()
    (kept.parent / "__pycache__" / "test_fresh_clone.cpython-311-pytest-9.0.0.pyc").touch()
    rest = [name for n in range(PROCESSES) for name in share(n, PROCESSES, tmp_path)]

    assert len(shares) == len(set(shares)) == len(every)
    assert set(shares) - set(rest) == {"tests.test_fresh_clone"}
