"""Commands are imported when they are named; the list of where they are is the whole of them."""

from importlib import import_module
from pathlib import Path

import workers.cli
from workers.cli.lazily import MODULES, commands_of


def test_every_command_is_found_where_the_list_says() -> None:
    """Each module adds the commands listed for it, no other, and no module is left out."""
    folder = Path(workers.cli.__file__).parent
    modules = {file.stem for file in folder.glob("*.py")}
    adding = {name for name in modules if hasattr(import_module(f"workers.cli.{name}"), "add_to")}

    assert {module: set(names) for module, names in MODULES.items()} == {
        module: set(commands_of(module)) for module in adding
    }
