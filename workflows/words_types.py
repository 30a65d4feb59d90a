"""What parsing, checking and rendering of templates share."""

from dataclasses import dataclass

from jinja2 import Template as JinjaTemplate
from jinja2 import nodes

from events.errors import VouchError
from workflows.cel_scope import Fields


class WordsError(VouchError):
    """A template that cannot be used, or that failed on the values it was given.

    Attributes:
        line: Counted from 1 in the file, front matter included.
        column: Counted from 1.
        end_column: The column after the last character concerned.
    """

    code = "bad-template"

    def __init__(
        self, message: str, *, line: int, column: int = 1, end_column: int = 0, hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.line = line
        self.column = column
        self.end_column = max(end_column, column + 1)


class BadValueError(ValueError):
    """A filter was given what it cannot take. The value is not said: it is somebody's."""


@dataclass(frozen=True)
class WordsScope:
    """The names a template may use.

    Attributes:
        names: As in `cel_scope`: root name to its type.
        absent: Dotted paths that can be without a value and so need a default; a group's
            path stands for everything below it.
    """

    names: Fields
    absent: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Part:
    """A subject, preheader or body: its source, and where it stands in the file."""

    source: str
    line: int
    column: int
    tree: nodes.Template
    compiled: JinjaTemplate

    def place(self, line: int, found: int = 0) -> tuple[int, int]:
        """Return line and column in the file of a place in the part."""
        return self.line + line - 1, found + (self.column if line == 1 else 1)
