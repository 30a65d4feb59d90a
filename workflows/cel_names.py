"""Which names an expression uses, whether they exist, and how it asks for their values.

Every name of the schema, every `has()`, `ago()` and `seen()` becomes one variable of the
library, written over the text it stands for and padded to the same length, so that every
position the library reports is a position in the author's text. What is absent can then
simply be given its type's zero, and one environment serves every expression.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from events.errors import did_you_mean
from workflows.cel_calls import (
    TYPE_NAMES,
    check_bounds,
    check_function,
    check_number,
    check_span,
    macro_of,
)
from workflows.cel_scope import (
    ExpressionError,
    FieldKnown,
    Fields,
    FieldType,
    ListOf,
    Scope,
    noun,
    paths_of,
)
from workflows.cel_syntax import Node, Source

SLOTS_MAX = 100

PREFIXES = {
    "bool": "_b", "int": "_i", "string": "_s", "instant": "_t", "list": "_l", "items": "_e",
    "dyn": "_d",
}  # fmt: skip
OBJECTS = "_o"


@dataclass(frozen=True, slots=True)
class Slot:
    """One value that an expression asks for.

    Attributes:
        variable: Its name in the library's environment.
        how: `value`, `has`, `ago` or `seen`.
        argument: A dotted path, a span or an event type.
        kind: Its type; of an `ago` it is `instant`, of a `has` it is `bool`.
        key: What two expressions that ask for the same share in an activation.
        zero: What a text without a value is.
    """

    variable: str
    how: str
    argument: str
    kind: FieldType
    key: str
    path: tuple[str, ...]
    zero: str = ""


@dataclass
class Names:
    """What was found in one expression; `leaves` are the slots by `id` of the node they fill."""

    slots: dict[str, Slot] = field(default_factory=dict)
    leaves: dict[int, Slot] = field(default_factory=dict)
    findings: list[ExpressionError] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    replacements: list[tuple[int, int, str]] = field(default_factory=list)

    def rewritten(self, text: str) -> str:
        """Return the text with the names replaced, character for character as long."""
        for start, end, variable in self.replacements:
            text = text[:start] + variable.ljust(end - start) + text[end:]
        return text


def find_names(tree: Node, source: Source, scope: Scope) -> Names:
    """Return the names that an expression uses, and everything wrong with them."""
    finder = _Finder(source, scope)
    finder.visit(tree, {}, top=True)
    finder.names.findings += check_bounds(tree, source)
    finder.names.findings.sort(key=lambda finding: finding.offset)
    return finder.names


_Locals: TypeAlias = "Mapping[str, FieldKnown]"


class _Finder:
    def __init__(self, source: Source, scope: Scope) -> None:
        self.source = source
        self.scope = scope
        self.names = Names()
        self._counts: dict[str, int] = {}
        self._listed_instants: set[int] = set()

    def report(self, span: tuple[int, int], message: str, hint: str = "") -> None:
        self.names.findings.append(ExpressionError(message, offset=span[0], end=span[1], hint=hint))

    # -- the walk -----------------------------------------------------------------------

    def visit(self, node: Node, known: _Locals, *, top: bool = False) -> FieldKnown:
        """Look at a part and what is below it; return its type if it is of the schema."""
        match node.kind:
            case "const":
                self.names.findings += check_number(node, self.source)
            case "ident" | "select":
                return self._path(node, known, top=top)
            case "call":
                return self._call(node, known)
            case "struct" if node.name:
                message = f"there are no messages of protobuf here: {node.name}"
                self.report(self.source.span(node), message, "write a mapping: {'key': value}")
            case "comprehension":
                return self._comprehension(node, known)
            case _:
                for child in node.children:
                    self.visit(child, known)
        return None

    def _call(self, node: Node, known: _Locals) -> FieldKnown:
        name = node.name
        own = name[:1].isalpha()
        if own and not node.flag and name in {"ago", "seen"}:
            return self._literal_call(node)
        if own:
            self.names.findings += check_function(node, self.source)
        kinds = [self.visit(child, known) for child in node.children]
        if name == "_[_]" and isinstance(kinds[0], ListOf):
            return kinds[0].fields
        for child in node.children:
            if id(child) in self._listed_instants and name != "timestamp":
                path = self._text(child)
                self.report(
                    self.source.span(child),
                    f'"{path}" is an instant inside a list and is kept as text there',
                    f"write timestamp({path})",
                )
        return None

    def _literal_call(self, node: Node) -> FieldKnown:
        span = self.source.span(node)
        value = node.children[0].value if len(node.children) == 1 else None
        if not isinstance(value, str):
            example = "ago('180d')" if node.name == "ago" else "seen('agreement.reported')"
            self.report(span, f"{node.name}() needs one literal text", f"write {example}")
            return None
        inner = self.source.span(node.children[0])
        if node.name == "ago":
            self.names.findings += check_span(inner, value, self.scope)
            self._slot(span, "ago", value, "instant", (), node)
            return "instant"
        kinds = self.scope.seen
        if kinds is not None and value not in kinds:
            self.report(inner, f'unknown event type "{value}"', did_you_mean(value, kinds))
            return None
        kind: FieldType = "dyn" if kinds is None else ListOf(kinds[value])
        self._slot(span, "seen", value, kind, ())
        return kind

    def _comprehension(self, node: Node, known: _Locals) -> FieldKnown:
        ranged, _, _, step, result = node.children
        kind = self.visit(ranged, known)
        if node.name in self.scope.names or node.name.startswith("_"):
            span = self.source.span(node)
            self.report(span, f'the variable "{node.name}" hides a name', "choose another name")
        item = kind.fields if isinstance(kind, ListOf) else None
        inner = {**known, node.name: item}
        for part in (step, result):
            if not (part.kind == "ident" and part.name.startswith("@")):
                self.visit(part, inner)
        return kind if macro_of(node, self.source) == "filter" else None

    # -- names --------------------------------------------------------------------------

    def _path(self, node: Node, known: _Locals, *, top: bool) -> FieldKnown:
        chain = [node]
        while chain[-1].kind == "select":
            chain.append(chain[-1].children[0])
        root, selects = chain[-1], chain[-2::-1]
        if root.kind != "ident":
            return self._below(self.visit(root, known), selects)
        if root.name.startswith("@"):
            return None
        if root.name in known:
            return self._below(known[root.name], selects)
        if not selects and root.name in TYPE_NAMES:
            return None
        return self._schema_path(root, selects, top=top)

    def _below(self, kind: FieldKnown, selects: list[Node]) -> FieldKnown:
        """Check the fields selected from an item of a list."""
        for select in selects:
            if not isinstance(kind, Mapping):
                return None
            if select.name not in kind:
                span = self._field_span(select)
                self.report(span, f'unknown field "{select.name}"', did_you_mean(select.name, kind))
                return None
            kind = kind[select.name]
        if kind == "instant":
            self._listed_instants.add(id(selects[-1]))
            return None
        return kind

    def _field_span(self, select: Node) -> tuple[int, int]:
        token = self.source.tokens[self.source.index(select.pos) + (2 if select.flag else 1)]
        return token.start, token.end

    def _schema_path(self, root: Node, selects: list[Node], *, top: bool) -> FieldKnown:
        kind: FieldType = self.scope.names
        used: list[str] = []
        for node in (root, *selects):
            if kind == "dyn" or isinstance(kind, ListOf):
                break
            if not isinstance(kind, Mapping) or node.name not in kind:
                self._unknown(root, node, used, kind)
                return None
            kind = kind[node.name]
            used.append(node.name)
        last = (root, *selects)[len(used) - 1]
        path, span = ".".join(used), self._span_to(root, last)
        self.names.paths.add(path)
        if last.flag:
            self._slot(self.source.span(last), "has", path, "bool", tuple(used), last)
            return "bool"
        if isinstance(kind, Mapping) and not top:
            known = ", ".join(f"{path}.{name}" for name in list(kind)[:6])
            self.report(span, f'"{path}" is a group of fields: name one', f"known: {known}")
            return None
        self._slot(span, "value", path, kind, tuple(used), last)
        return kind

    def _span_to(self, root: Node, last: Node) -> tuple[int, int]:
        start = self.source.span(root)[0]
        if last is root:
            return self.source.span(root)
        return start, self._last_end(root, last)

    def _last_end(self, root: Node, last: Node) -> int:
        if not last.flag:
            return self.source.span(last)[1]
        at = self.source.index(root.pos)
        while self.source.tokens[at + 1].text == ".":
            at += 2
        return self.source.tokens[at].end

    def _unknown(self, root: Node, node: Node, used: list[str], kind: FieldType) -> None:
        path = ".".join((*used, node.name))
        span = self._span_to(root, node)
        parent = ".".join(used)
        if not used:
            self.report(span, f'unknown name "{path}"', did_you_mean(path, self.scope.names))
        elif not isinstance(kind, Mapping):
            self.report(
                span,
                f'"{parent}" is {noun(kind)} and has no field "{node.name}"',
                f"write {parent}",
            )
        elif path in self.scope.lacking:
            lacking = self.scope.lacking[path]
            self.report(
                span,
                f'"{path}" is not a field of {lacking}, which is listed here too',
                "make two workflows of it, or two entries",
            )
        else:
            label = self.scope.labels.get(used[0], "")
            of = f" of {label}" if label else ""
            self.report(span, f'unknown field "{path}"{of}', self._closest(path, parent, kind))

    def _closest(self, path: str, parent: str, kind: Fields) -> str:
        """Return a hint: a sibling spelled alike, else the same name elsewhere below the root."""
        hint = did_you_mean(path, [f"{parent}.{name}" for name in kind])
        root, name = path.split(".", 1)[0], path.rsplit(".", 1)[-1]
        if name not in kind and not did_you_mean(name, kind).startswith("did"):
            below = paths_of({root: self.scope.names[root]})
            same = next((p for p in below if p.rsplit(".", 1)[-1] == name), "")
            siblings = [f"{parent}.{sibling}" for sibling in kind]
            hint = f'did you mean "{same}"?' if same else did_you_mean("", siblings)
        return hint

    def _text(self, node: Node) -> str:
        start, end = self.source.span(node)
        return self.source.text[start:end]

    def _slot(
        self,
        span: tuple[int, int],
        how: str,
        argument: str,
        kind: FieldType,
        path: tuple[str, ...],
        leaf: Node | None = None,
    ) -> None:
        told = (
            kind if isinstance(kind, str) else id(kind.fields if isinstance(kind, ListOf) else kind)
        )
        key = f"{how}:{argument}:{told}"
        slot = self.names.slots.get(key)
        if slot is None:
            prefix = PREFIXES[kind] if isinstance(kind, str) else OBJECTS
            if isinstance(kind, Mapping):
                prefix = PREFIXES["dyn"]
            number = self._counts.get(prefix, 0)
            if number >= SLOTS_MAX:
                self.report(
                    span,
                    f"more than {SLOTS_MAX} different names of one type",
                    "make two conditions of it",
                )
                return
            self._counts[prefix] = number + 1
            variable = "now" if argument == "now" else f"{prefix}{number}"
            zero = self.scope.zeros.get(argument, "") if how == "value" else ""
            slot = Slot(variable, how, argument, kind, key, path, zero)
            self.names.slots[key] = slot
        self.names.replacements.append((*span, slot.variable))
        if leaf is not None:
            self.names.leaves[id(leaf)] = slot
