"""Whether the names in a template exist and have a value."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from jinja2 import nodes

from events.errors import did_you_mean
from workflows.cel_scope import FieldKnown, FieldType, ListOf, noun
from workflows.words_filters import STYLES
from workflows.words_sandbox import LOOP_FIELDS
from workflows.words_types import Part, WordsError, WordsScope

_Locals: TypeAlias = Mapping[str, FieldKnown]
_LOOP: FieldType = dict.fromkeys(sorted(LOOP_FIELDS), "int")


@dataclass
class Checker:
    """Looks at one part of a template."""

    part: Part
    scope: WordsScope
    found: list[WordsError] = field(default_factory=list)
    counts: dict[tuple[int, str], int] = field(default_factory=dict)

    def findings(self) -> list[WordsError]:
        """Return what is wrong, in no order."""
        self.visit(self.part.tree, {}, frozenset())
        return self.found

    def visit(self, node: nodes.Node, known: _Locals, sure: frozenset[str]) -> FieldKnown:
        """Look at a part and below; return its type if it is a path. `sure` needs no default."""
        match node:
            case nodes.Name() | nodes.Getattr() | nodes.Getitem():
                return self._path(node, known, sure)
            case nodes.Filter(name="default" | "d", node=nodes.Node() as inner):
                path = _dotted(inner)
                self.visit(inner, known, sure | {path} if path else sure)
                self._each(node.args, known, sure)
            case nodes.Filter(name="date" | "amount", node=nodes.Node() as inner):
                self._formatted(node, inner, self.visit(inner, known, sure))
                self._each(node.args, known, sure)
            case nodes.Test(name="defined" | "undefined", node=nodes.Node() as inner):
                path = _dotted(inner)
                self.visit(inner, known, sure | {path} if path else sure)
            case nodes.If() | nodes.CondExpr():
                self._branch(node, known, sure)
            case nodes.Output():
                for child in node.nodes:
                    kind = self.visit(child, known, sure)
                    if isinstance(kind, Mapping):
                        path = _dotted(child)
                        message = f'"{path}" is a group of fields: name one'
                        hint = f"such as {path}.{next(iter(kind), '')}"
                        self._report(child, tuple(path.split(".")), message, hint)
            case nodes.For():
                self._loop(node, known, sure)
            case _:
                self._each(node.iter_child_nodes(), known, sure)
        return None

    def _formatted(self, node: nodes.Filter, inner: nodes.Node, kind: FieldKnown) -> None:
        """Report `|date` and `|amount` of what can be neither, and dates in an unknown style."""
        path, parts = _dotted(inner), tuple(_dotted(inner).split("."))
        wanted = "a whole number" if node.name == "amount" else "an instant or a date"
        fits = ("int", "dyn") if node.name == "amount" else ("instant", "string", "dyn")
        if isinstance(kind, str) and kind not in fits:
            message = f'"{path}" is {noun(kind)}, and |{node.name} takes {wanted}'
            self._report(inner, parts, message, f"write {{{{ {path} }}}}")
        style = node.args[0] if node.name == "date" and node.args else None
        if isinstance(style, nodes.Const) and style.value not in STYLES:
            message = f'unknown style of a date "{style.value}"'
            self._report(inner, parts, message, did_you_mean(str(style.value), STYLES))

    def _each(self, below: Iterable[nodes.Node], known: _Locals, sure: frozenset[str]) -> None:
        for child in below:
            self.visit(child, known, sure)

    def _branch(self, node: nodes.Node, known: _Locals, sure: frozenset[str]) -> None:
        """What `is defined` asked for needs no default in its branch."""
        test: nodes.Node = node.test  # type: ignore[attr-defined]
        bare = _dotted(test)
        if bare and bare in self.scope.absent and bare not in sure:
            hint = f"write {{% if {bare} is defined %}}"
            self._report(test, tuple(bare.split(".")), _absence(bare), hint)
            sure |= {bare}
        self.visit(test, known, sure)
        inside = sure | _asked(test)
        if isinstance(node, nodes.CondExpr):
            self.visit(node.expr1, known, inside)
            if node.expr2 is not None:
                self.visit(node.expr2, known, sure)
        elif isinstance(node, nodes.If):
            self._each(node.body, known, inside)
            self._each(node.elif_, known, sure)
            self._each(node.else_, known, sure)

    def _loop(self, node: nodes.For, known: _Locals, sure: frozenset[str]) -> None:
        kind = self.visit(node.iter, known, sure)
        item: FieldKnown = kind.fields if isinstance(kind, ListOf) else "dyn"
        if kind == "list":
            item = "string"
        target = node.target.name if isinstance(node.target, nodes.Name) else ""
        inner = {**known, target: item, "loop": _LOOP}
        if node.test is not None:
            self.visit(node.test, inner, sure)
        self._each(node.body, inner, sure)
        self._each(node.else_, known, sure)

    def _path(self, node: nodes.Node, known: _Locals, sure: frozenset[str]) -> FieldKnown:
        parts = _parts(node)
        if parts is None:
            self._each(node.iter_child_nodes(), known, sure)
            return None
        root = parts[0]
        kind: FieldKnown = {**self.scope.names, **known}.get(root)
        if root not in known and root not in self.scope.names:
            hint = did_you_mean(root, self.scope.names)
            self._report(node, (root,), f'unknown name "{root}"', hint)
            return None
        for depth, name in enumerate(parts[1:], start=2):
            if isinstance(kind, ListOf) and name.isdigit():
                kind = kind.fields
                continue
            if kind in {"dyn", "list", "items"} if isinstance(kind, str) else kind is None:
                return "dyn"
            parent, path = ".".join(parts[: depth - 1]), ".".join(parts[:depth])
            if not isinstance(kind, Mapping):
                message = f'"{parent}" is {noun(kind or "dyn")} and has no field "{name}"'
                self._report(node, parts[:depth], message, f"write {{{{ {parent} }}}}")
                return None
            if name not in kind:
                hint = did_you_mean(path, [f"{parent}.{sibling}" for sibling in kind])
                hint = hint or ("name a step before by its id" if parent == "steps" else "")
                self._report(node, parts[:depth], f'unknown field "{path}"', hint)
                return None
            kind = kind[name]
        if root not in known:
            self._absent(node, parts, sure)
        return kind

    def _absent(self, node: nodes.Node, parts: tuple[str, ...], sure: frozenset[str]) -> None:
        prefixes = {".".join(parts[: depth + 1]) for depth in range(len(parts))}
        if prefixes & self.scope.absent and not prefixes & sure:
            path = ".".join(parts)
            hint = f"write {{{{ {path}|default('...') }}}}"
            self._report(node, parts, _absence(path), hint)

    def _report(
        self, node: nodes.Node, parts: tuple[str, ...], message: str, hint: str = ""
    ) -> None:
        lines = self.part.source.split("\n")
        text = lines[node.lineno - 1] if node.lineno <= len(lines) else ""
        wanted = r"\s*\.\s*".join(re.escape(part) for part in parts)
        places = list(re.finditer(rf"(?<![\w.]){wanted}\b", text))
        key = (node.lineno, ".".join(parts))
        nth = self.counts.get(key, 0)
        self.counts[key] = nth + 1
        start, end = places[min(nth, len(places) - 1)].span() if places else (0, len(text))
        line, column = self.part.place(node.lineno, start)
        self.found.append(
            WordsError(
                message, line=line, column=column, end_column=column + end - start, hint=hint
            )
        )


def _parts(node: Any) -> tuple[str, ...] | None:  # noqa: ANN401
    """Return the names of `a.b['c']`; nothing for what does not begin with a name."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, (nodes.Getattr, nodes.Getitem)):
        below = _parts(node.node)
        if isinstance(node, nodes.Getattr):
            return None if below is None else (*below, node.attr)
        if below is not None and isinstance(node.arg, nodes.Const):
            return (*below, str(node.arg.value))
    return None


def _absence(path: str) -> str:
    return f'"{path}" can be absent and has no default'


def _dotted(node: nodes.Node) -> str:
    return ".".join(_parts(node) or ())


def _asked(test: nodes.Node) -> frozenset[str]:
    match test:
        case nodes.And(left=nodes.Node() as left, right=nodes.Node() as right):
            return _asked(left) | _asked(right)
        case nodes.Test(name="defined", node=nodes.Node() as inner):
            return frozenset({_dotted(inner)} - {""})
        case nodes.Filter(name="default" | "d", node=nodes.Node() as inner):
            return frozenset({_dotted(inner)} - {""})
        case _:
            return frozenset()
