"""Jinja with everything taken away that words for people do not need.

No calls, no assignments, no macros, no includes, no attributes but the keys of mappings:
what is left can neither escape, nor run long, nor grow.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from jinja2 import StrictUndefined, Undefined, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from workflows.words_filters import FILTERS, JOINED_MAX, as_date, default

DEPTH_MAX = 60
"""Parts of a template in each other; a longer chain would end in Python's own bound."""
PRODUCT_MAX = 10**15
"""The largest product of two numbers in a template."""

FILTERS_ALLOWED = frozenset(
    {
        "amount", "capitalize", "d", "date", "default", "first", "int", "join", "last", "length",
        "lower", "sort", "string", "t", "title", "trim", "truncate", "upper",
    }
)  # fmt: skip
TESTS_ALLOWED = frozenset(
    {
        "defined", "undefined", "divisibleby", "even", "odd", "in", "eq", "ne", "lt", "le", "gt",
        "ge", "equalto",
    }
)  # fmt: skip
LOOP_FIELDS = frozenset({"index", "index0", "first", "last", "length"})

_BLOCK = re.compile(r"\{%.*?%\}|\{#.*?#\}")
_LAST_BLOCK = re.compile(r"^(.*[^-+\n])([%#]\})[ \t]*(?=\r?$)", re.MULTILINE)
"""A line that ends in a block, or in a comment, which does not say itself what becomes of it."""

_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Name,
    nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Test, nodes.Const, nodes.Compare,
    nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Concat, nodes.List,
    nodes.Tuple, nodes.Add, nodes.Sub, nodes.Mul, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos,
    nodes.Keyword,
)  # fmt: skip
_SAYINGS = {
    "Call": "nothing can be called in a template",
    "Pow": "powers are refused in a template",
    "Assign": "set is refused in a template",
    "AssignBlock": "set is refused in a template",
    "Include": "a template stands alone: include is refused",
    "Extends": "a template stands alone: extends is refused",
    "Import": "a template stands alone: import is refused",
    "FromImport": "a template stands alone: import is refused",
    "Macro": "macros are refused in a template",
}


class Absent(StrictUndefined):
    """A value that is not there: an error when it is used, except by `|default(...)`.

    What would be below it is absent too, so that `referral.lead.name|default('')` needs no
    more than one default.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> "Absent":
        if name.startswith("_"):
            raise AttributeError(name)
        return self

    def __getitem__(self, name: object) -> "Absent":  # type: ignore[override]
        return self


class Sandbox(ImmutableSandboxedEnvironment):
    """The one environment of all templates."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(
            undefined=Absent,
            autoescape=False,
            finalize=_finalize,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.globals.clear()
        own = {**FILTERS, "default": default, "d": default, "join": _join}
        self.filters = {n: f for n, f in {**self.filters, **own}.items() if n in FILTERS_ALLOWED}
        self.tests = {name: test for name, test in self.tests.items() if name in TESTS_ALLOWED}

    def preprocess(self, source: str, name: str | None = None, filename: str | None = None) -> str:
        """Keep the end of a line that says something.

        Of a line of nothing but blocks nothing is left. Of any other one that ends in a block
        Jinja would take the end as well, and with it the space between two paragraphs.
        """
        return _LAST_BLOCK.sub(_kept, super().preprocess(source, name, filename))

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401
        """Return a key of a mapping or a field of `loop`; nothing else has attributes."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:  # noqa: ANN401
        """Return a key of a mapping, an item of a list, or nothing; null is nothing."""
        found = None
        if isinstance(obj, Undefined):
            return obj
        if isinstance(obj, Mapping):
            found = obj.get(argument)
        elif isinstance(obj, LoopContext) and argument in LOOP_FIELDS:
            found = getattr(obj, argument)
        elif isinstance(obj, (list, tuple)) and isinstance(argument, int):
            found = obj[argument] if -len(obj) <= argument < len(obj) else None
        if found is None:
            return self.undefined(hint=f'"{argument}" has no value here', name=argument)
        return found

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        """Multiply numbers only: a text times a million, or formatted so wide, is a bomb."""
        if not (isinstance(left, int) and isinstance(right, int)):
            raise SecurityError(f'"{operator}" takes whole numbers')
        if operator == "*" and abs(left * right) > PRODUCT_MAX:
            raise SecurityError(f"a product above {PRODUCT_MAX}")
        return super().call_binop(context, operator, left, right)


def _kept(line: re.Match[str]) -> str:
    says = _BLOCK.sub("", line[0]).strip()
    return f"{line[1]}+{line[2]}" if says and not says.endswith(("%}", "#}")) else line[0]


def _join(value: object, between: object = "") -> str:
    """Return the items of a list as one text; joining texts by texts grows without bound."""
    if isinstance(value, Undefined):
        return str(value)
    if not isinstance(value, (list, tuple)):
        raise SecurityError("only a list can be joined")
    items, comma = [str(item) for item in value], str(between)
    if sum(map(len, items)) + len(comma) * len(items) > JOINED_MAX:
        raise SecurityError(f"a text of more than {JOINED_MAX} characters")
    return comma.join(items)


@pass_context
def _finalize(context: Context, value: object) -> str:
    """Return what a printed value becomes: its text, or a mark that stands for it."""
    if isinstance(value, (Mapping, LoopContext)):
        raise SecurityError("a group of fields has no words of its own: name one field")
    text = str(as_date(context, value) if isinstance(value, date) else value)
    holder = context.get("_holder")
    return holder.hold(text) if isinstance(holder, Holder) else text


class Holder:
    """Keeps printed values out of the Markdown, so that nothing in them is read as markup."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.values: list[str] = []
        self.bytes = 0

    def hold(self, text: str) -> str:
        """Return the mark that stands for a value."""
        self.values.append(text)
        self.bytes += len(text.encode("utf-8", "replace"))
        return f"{self.mark}{len(self.values) - 1}x"

    @staticmethod
    def mark_for(source: str) -> str:
        """Return letters that do not occur in a template."""
        mark = "vq"
        while mark in source:
            mark += "q"
        return mark


def is_deep(tree: nodes.Node) -> bool:
    """Return whether parts are nested in each other deeper than `DEPTH_MAX`."""
    level = [tree]
    for _ in range(DEPTH_MAX + 1):
        level = [child for node in level for child in node.iter_child_nodes()]
        if not level:
            return False
    return True


def refused(tree: nodes.Template) -> tuple[nodes.Node, str] | None:
    """Return the first part of a template that words may not hold, and why."""
    for node in _walk(tree):
        why = _why_refused(node)
        if why:
            return node, why
    return None


def _why_refused(node: nodes.Node) -> str:
    kind = type(node).__name__
    if not isinstance(node, _NODES):
        return _SAYINGS.get(kind, f"{kind.lower()} is refused in a template")
    name = node.attr if isinstance(node, nodes.Getattr) else getattr(node, "name", "")
    if name.startswith("_") or (isinstance(node, nodes.Name) and name in {"self", "super"}):
        return f'the name "{name}" is private'
    if isinstance(node, nodes.Getitem) and not isinstance(node.arg, nodes.Const):
        return "only a literal may stand in [ ]"
    if isinstance(node, nodes.For):
        if node.recursive or not isinstance(node.target, nodes.Name):
            return "a loop has one variable"
        if any(isinstance(inner, nodes.For) for part in node.body for inner in _walk(part)):
            return "a loop inside a loop is refused: its cost has no bound"
    return ""


def _walk(node: nodes.Node) -> list[nodes.Node]:
    return [node, *(inner for child in node.iter_child_nodes() for inner in _walk(child))]
