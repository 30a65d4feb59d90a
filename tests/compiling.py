"""What a run compiles is compiled once, not by each process of pytest-xdist at the same moment.

In a fresh clone four processes would read, rewrite and compile the same thousand files side by
side, each for itself: twenty seconds of work for the result of six. Here our packages are
compiled before the processes start, and each process begins with a share of the test modules,
which pytest rewrites and keeps. Where nothing can be kept, each goes on as if alone.
"""

import compileall
import re
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[1]
OURS = ("events", "workflows", "store", "workers", "tests")
_REWRITTEN = re.compile(r"/(test_[^/]+|conftest)\.py$")
"""pytest compiles these in its own way, and keeps them under its own name."""


def compile_ours(root: Path = ROOT) -> None:
    """Compile what pytest imports as it stands; what is compiled already stays."""
    for name in OURS:
        compileall.compile_dir(root / name, quiet=2, rx=_REWRITTEN)


def share(number: int, count: int, root: Path = ROOT) -> Sequence[str]:
    """Return the test modules that process `number` of `count` rewrites first.

    None of a module that pytest keeps rewritten, be it of an older text.
    """
    files = sorted((root / "tests").rglob("test_*.py"), key=lambda path: -path.stat().st_size)
    return [
        ".".join(path.relative_to(root).with_suffix("").parts)
        for path in files[number::count]
        if not any((path.parent / "__pycache__").glob(f"{path.stem}.*-pytest-*.pyc"))
    ]


def rewrite(modules: Sequence[str]) -> None:
    """Import modules, through pytest; one that cannot be is for its collection to report."""
    for name in modules:
        with suppress(Exception):
            import_module(name)
