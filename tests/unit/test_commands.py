"""Commands are imported when they are named; the list of where they are is the whole of them."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

from typer.testing import CliRunner

import workers.cli
from workers.cli.lazily import GROUPS, MODULES, commands_of
from workers.cli.root import app

PARTS_OF_OTHERS = {"people"}
"""Modules that add to another's group of commands, not to the tree."""


def test_every_command_is_found_where_the_list_says() -> None:
    """Each module adds the commands listed for it, and no module that adds any is left out."""
    folder = Path(workers.cli.__file__).parent
    modules = {file.stem for file in folder.glob("*.py")} - PARTS_OF_OTHERS
    adding = {name for name in modules if hasattr(import_module(f"workers.cli.{name}"), "add_to")}

    assert {module: set(names) for module, names in MODULES.items()} == {
        module: set(commands_of(module)) for module in adding
    }


def test_help_shows_every_command_in_a_group() -> None:
    """The groups hold the same commands as the modules, each once and told in one line."""
    grouped = [name for names in GROUPS.values() for name in names]

    assert sorted(grouped) == sorted(name for names in MODULES.values() for name in names)
    shown = CliRunner().invoke(app, ["--help"]).output
    assert "vouch plan" in " ".join(shown.split())
    assert "..." not in shown.partition("Write a programme:")[2]


_COUNTED = """
import gc
from workers.cli.lazily import commands_of
looks = []
gc.callbacks.append(lambda phase, info: looks.append(phase))
commands_of("processes")
print(len(looks), gc.isenabled(), gc.get_freeze_count() > len(gc.get_objects()))
"""


def test_no_garbage_is_looked_for_while_a_command_is_imported() -> None:
    """Nor afterwards among what was imported; of what comes later, it is."""
    command = [sys.executable, "-c", _COUNTED]
    said = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603

    assert said.stdout.split() == ["0", "True", "True"]


def test_help_of_a_noun_tells_its_verbs_whole() -> None:
    """Where a first sentence is longer than a line it goes on below, and is not cut."""
    for group in ("runs", "tasks", "asks", "outbox", "dead", "contacts", "keys", "report"):
        shown = CliRunner().invoke(app, [group, "--help"]).output

        assert "..." not in shown.partition("Commands:")[2], group
