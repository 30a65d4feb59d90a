"""Commands of one noun, as its help lists them."""

from typing import Any, Final

from typer.core import TyperGroup

SENTENCE_MAX: Final = 400
"""The first sentence of a command, whole: where it is cut, a verb or an object is missing."""


class Group(TyperGroup):
    """Commands below one, each told by its whole first sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer's own click
        """Write the commands, those that are shown."""
        told = [
            (name, command.get_short_help_str(SENTENCE_MAX))
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name)) is not None and not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(told)
