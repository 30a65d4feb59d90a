"""Commands that are imported when somebody asks for them: a worker needs no listings."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
    "benching": ("bench",),
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

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Write a programme": ("init", "check", "test", "simulate", "demo", "schema", "graph"),
    "Change what runs": ("plan", "apply", "diff", "rollback"),
    "Run it": ("dev", "web", "worker", "clock", "migrate", "doctor", "publish", "keys", "bench"),
    "Look into it": (
        "explain", "events", "runs", "asks", "tasks", "outbox", "dead", "contacts", "ledger",
        "contests", "report",
    ),
}  # fmt: skip
"""The commands as help shows them, by what somebody is about to do."""

_MODULE_OF = {name: module for module, names in MODULES.items() for name in names}


class LazyCommands(Commands):
    """The commands of `MODULES`, each imported with its module the first time it is named."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - typer's own copy of click
        """Return the names of all commands."""
        del ctx
        return list(_MODULE_OF)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """Write the commands in their groups, each with its first sentence."""
        widest = max(map(len, _MODULE_OF))
        room = formatter.width - widest - 6
        for title, names in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [
                        (
                            name.ljust(widest),
                            command.get_short_help_str(room),
                        )
                        for name in names
                        if (command := self.get_command(ctx, name)) is not None
                    ]
                )

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
    with _nothing_is_garbage():
        import_module(f"workers.cli.{module}").add_to(part)
    return dict(typer.main.get_group(part).commands)


@contextmanager
def _nothing_is_garbage() -> Iterator[None]:
    """Have no garbage looked for while modules are imported, nor among them ever after.

    They stay to the end: looking took a sixth of a command's start, and a worker would go
    through half a million of their objects again and again.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
