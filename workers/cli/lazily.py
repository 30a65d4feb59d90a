"""Commands that are imported when somebody asks for them: a worker needs no listings."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer

from workers.cli.failures import Commands

MODULES: Mapping[str, tuple[str, ...]] = {
    "programme": ("init", "check", "test", "simulate", "demo"),
    "editing": ("schema", "graph"),
    "changing": ("plan", "apply"),
    "versions": ("diff", "rollback"),
    "processes": ("dev", "web", "worker", "clock", "migrate"),
    "publishing": ("publish", "keys"),
    "explaining": ("explain",),
    "doctoring": ("doctor",),
    "events": ("events",),
    "runs": ("runs",),
    "asks": ("asks",),
    "tasks": ("tasks",),
    "outbox": ("outbox",),
    "dead": ("dead",),
    "contacts": ("contacts",),
    "ledger": ("ledger",),
    "contests": ("contests",),
    "report": ("report",),
}
"""Where the commands are, in the order in which help lists them."""

_MODULE_OF = {name: module for module, names in MODULES.items() for name in names}


class LazyCommands(Commands):
    """The commands of `MODULES`, each imported with its module the first time it is named."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - typer's own copy of click
        """Return the names of all commands."""
        del ctx
        return list(_MODULE_OF)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        """Return a command; None if there is none of this name."""
        del ctx
        if cmd_name not in self.commands:
            # Of a slip of the pen all are loaded, for typer to name the nearest.
            module = _MODULE_OF.get(cmd_name)
            for each in (module,) if module else MODULES:
                self.commands.update(commands_of(each))
        return self.commands.get(cmd_name)


def commands_of(module: str) -> dict[str, Any]:
    """Return the commands that a module adds to the tree, by name."""
    part = typer.Typer(rich_markup_mode=None)
    import_module(f"workers.cli.{module}").add_to(part)
    return dict(typer.main.get_group(part).commands)
