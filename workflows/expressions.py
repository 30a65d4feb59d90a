"""Conditions and values written in CEL: compiled and type-checked at load, fast to evaluate.

The only module that imports the CEL library.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, Literal, TypeAlias

from cel_expr_python import cel  # type: ignore[import-untyped]

from workflows.cel_findings import cel_noun, inside, reason_of, syntax_error, type_errors
from workflows.cel_hints import made
from workflows.cel_literals import Compared, Named, compared_texts, named
from workflows.cel_names import OBJECTS, PREFIXES, SLOTS_MAX, Slot, find_names
from workflows.cel_plain import Plain, plain_condition
from workflows.cel_scope import (
    NOUNS,
    EvaluationError,
    ExpressionError,
    Fields,
    FieldType,
    ListOf,
    Scope,
)
from workflows.cel_syntax import Node, Source, read_parsed
from workflows.cel_values import Activation, plain
from workflows.records import paths_read

__all__ = [
    "EXPRESSION_BYTES_MAX",
    "Activation",
    "EvaluationError",
    "Expression",
    "ExpressionError",
    "FieldType",
    "Fields",
    "ListOf",
    "Returns",
    "Scope",
    "activation",
    "check_expression",
    "compile_expression",
    "texts_in",
]

EXPRESSION_BYTES_MAX = 4096
"""The longest expression, in bytes of UTF-8."""

SAW_CHARS_MAX, SAW_ITEMS_MAX = 80, 5
"""How much of a value is kept beside the condition that it made false."""
_SHORT = frozenset({bool, int})

Returns: TypeAlias = Literal["bool", "int", "string", "instant", "list", "any"]

_T = cel.Type
_TYPES = {
    "bool": _T.BOOL, "int": _T.INT, "string": _T.STRING, "instant": _T.TIMESTAMP,
    "list": _T.List(_T.STRING), "dyn": _T.DYN,
}  # fmt: skip
_RESULTS = {"BOOL": "bool", "INT": "int", "STRING": "string", "TIMESTAMP": "instant"}
_PYTHON: dict[str, type] = {
    "bool": bool, "int": int, "string": str, "instant": datetime, "list": list,
}  # fmt: skip


def _sum(items: list[int]) -> int:
    return sum(items)


@lru_cache(maxsize=1)
def _env() -> cel.Env:
    """Return the one environment of all expressions: a hundred variables of each type."""
    variables = {"now": _T.TIMESTAMP}
    for kind, prefix in (*PREFIXES.items(), ("objects", OBJECTS)):
        declared = _TYPES.get(kind, _T.List(_T.DYN))
        variables.update({f"{prefix}{number}": declared for number in range(SLOTS_MAX)})
    overload = cel.Overload("sum_list", _T.INT, [_T.List(_T.DYN)], is_member=False, impl=_sum)
    extension = cel.CelExtension("vouch", [cel.FunctionDecl("sum", [overload])])
    return cel.NewEnv(variables=variables, extensions=[extension])


@dataclass(frozen=True, eq=False)
class Expression:
    """A compiled expression.

    Attributes:
        text: As its author wrote it.
        names: The dotted paths it uses: `{"event.data.score", "contact.open_case"}`.
        seen: The event types it asks `seen()` for.
        operands: The texts joined by `&&` at the top, in order; else the whole text.
        returns: What it gives.
    """

    text: str
    names: frozenset[str]
    seen: frozenset[str]
    operands: tuple[str, ...]
    returns: Returns
    _scope: Scope
    _slots: tuple[Slot, ...]
    _program: Any
    _plain: Plain | None = None

    def evaluate(self, values: Activation) -> Any:  # noqa: ANN401
        """Return the value as plain Python: bool, int, str, UTC datetime, list or dict.

        Raises:
            EvaluationError: It fails on these values, as by a division by zero.
        """
        if self._plain is not None:
            return self._plain(values)
        cache = values.cache
        data = {}
        for slot in self._slots:
            try:
                data[slot.variable] = cache[slot.key]
            except KeyError:
                data[slot.variable] = values.get(slot)
        try:
            found = self._program.eval(data=data)
        except RuntimeError as error:
            raise EvaluationError(reason_of(str(error)), hint=f"in: {self.text}") from error
        result = found.plain_value()
        if result is True or result is False:
            kind = "bool"
        elif found.type() in (_T.ERROR, _T.UNKNOWN):
            raise EvaluationError(reason_of(str(result)), hint=f"in: {self.text}")
        else:
            kind = self.returns
        if self.returns == "any" or (kind == self.returns and _is(result, kind)):
            return result
        message = f"it gave {result!r}, not {NOUNS[self.returns]}"
        raise EvaluationError(message, hint=f"in: {self.text}")

    def false_operand(self, values: Activation) -> str | None:
        """Return the first operand of the top `&&` that is false, or None: the condition holds.

        The answer and its reason at once: what stands behind a false operand is not looked
        at. Where one fails, the whole decides: `failing && false` is false.

        Raises:
            EvaluationError: The condition fails on these values.
        """
        for operand in self._parts or (self,):
            try:
                plain = operand._plain  # noqa: SLF001 - another one of these
                holds = operand.evaluate(values) if plain is None else plain(values)
            except EvaluationError:
                if operand is self or self.evaluate(values) is True:
                    raise
                return self.first_false(values)
            if holds is False:
                return operand.text
        return None

    def first_false(self, values: Activation) -> str:
        """Return the first operand of the top `&&` that is false; the whole text if none is.

        An operand that fails is passed over: an author reads `run.refused` to see which
        condition did not hold, and a failure leaves a fact of its own.
        """
        for operand in self._parts:
            try:
                if operand.evaluate(values) is False:
                    return operand.text
            except EvaluationError:
                continue
        return self.text

    def saw(self, operand: str, values: Activation) -> list[Any]:
        """Return the values that an operand read, in the order of its names, each cut short.

        Asked only when it was false: the record of why nothing happened names them.
        """
        read = self._read.get(operand)
        if read is None:
            part = next((each for each in self._parts if each.text == operand), self)
            read = self._read[operand] = part.slots_read()
        cache = values.cache
        found = []
        for slot in read:  # on the way of every event: most values are there and short
            value = None if slot is None else cache.get(slot.key)
            short = type(value) in _SHORT or (type(value) is str and len(value) <= SAW_CHARS_MAX)
            found.append(value if short or slot is None else _brief(slot, values))
        return found

    def slots_read(self) -> tuple[Slot | None, ...]:
        """Return what gives the value of each name in the text; None where nothing does."""
        by_path = {
            (slot.how, slot.argument): slot for slot in self._slots if slot.how in {"value", "has"}
        }
        return tuple(
            by_path.get(("value", path)) or by_path.get(("has", path))
            for path in paths_read(self.text)
        )

    @cached_property
    def _read(self) -> dict[str, tuple[Slot | None, ...]]:
        return {}

    @cached_property
    def _parts(self) -> tuple["Expression", ...]:
        if len(self.operands) == 1:
            return ()
        return tuple(
            compile_expression(operand, self._scope, returns="bool") for operand in self.operands
        )


def activation(
    values: Mapping[str, object], now: datetime, ago: Callable[[str], datetime]
) -> Activation:
    """Return the values of one input for every expression that looks at it.

    `values` are plain dicts by root name; `seen` among them is a callable that gives the
    `data` of the events of a type. `ago` gives `now` less a span.
    """
    return Activation(values, now, ago)


def compile_expression(text: str, scope: Scope, *, returns: Returns) -> Expression:
    """Return an expression ready to evaluate.

    Raises:
        ExpressionError: The first finding; `check_expression` gives all of them.
    """
    expression, findings = _compile(text, scope, returns)
    if expression is None:
        raise findings[0]
    return expression


def check_expression(text: str, scope: Scope, *, returns: Returns) -> list[ExpressionError]:
    """Return everything wrong with an expression, in the order of its text; empty if nothing."""
    return _compile(text, scope, returns)[1]


def texts_in(text: str) -> list[Compared]:
    """Return the literal texts that a sound expression compares its names with."""
    if "'" not in text and '"' not in text:
        return []
    tree = read_parsed(_env().compile(text, disable_check=True).serialize())
    return list(compared_texts(tree, Source(text)))


def names_in(text: str) -> Named:
    """Return the names of a sound expression, by what it asks of them."""
    return named(read_parsed(_env().compile(text, disable_check=True).serialize()), Source(text))


def _compile(
    text: str, scope: Scope, returns: Returns
) -> tuple[Expression | None, list[ExpressionError]]:
    size = len(text.encode("utf-8", "replace"))
    if size > EXPRESSION_BYTES_MAX:
        message = f"the expression has {size} bytes; at most {EXPRESSION_BYTES_MAX} are allowed"
        hint = "make two steps of it, or shorten it"
        return None, [ExpressionError(message, offset=0, end=len(text), hint=hint)]
    source = Source(text)
    try:
        tree = read_parsed(_env().compile(text, disable_check=True).serialize())
    except RuntimeError as error:
        return None, [syntax_error(str(error), source)]
    names = find_names(tree, source, scope)
    program, findings = None, names.findings
    try:
        program = _env().compile(names.rewritten(text))
    except RuntimeError as error:
        known = [(finding.offset, finding.end) for finding in findings]
        typed = type_errors(str(error), tree, source)
        fresh = [finding for finding in typed if not inside(finding, known)]
        findings = (findings + fresh) or typed
        findings.sort(key=lambda finding: finding.offset)
    if program is not None and not findings:
        findings = _wrong_patterns(tree, source)
    if program is not None and not findings:
        findings = _wrong_result(_result(program.return_type().name()), returns, text)
    if findings:
        return None, findings
    slots = tuple(names.slots.values())
    seen = frozenset(slot.argument for slot in slots if slot.how == "seen")
    paths, operands = frozenset(names.paths), source.operands()
    plain = plain_condition(tree, names.leaves) if returns == "bool" else None
    return Expression(text, paths, seen, operands, returns, scope, slots, program, plain), []


def _wrong_patterns(tree: Node, source: Source) -> list[ExpressionError]:
    """Return what is no pattern: it would fail at every event."""
    findings = []
    for node in tree.walk():
        if node.kind == "call" and node.name == "matches":
            start, end = source.span(node.children[-1])
            found = _env().compile(f"''.matches({source.text[start:end]})").eval(data={})
            if found.type() in (_T.ERROR, _T.UNKNOWN):
                reason = reason_of(str(found.plain_value()))
                hint = "the syntax is RE2's: without look-around and back-references"
                findings.append(ExpressionError(reason, offset=start, end=end, hint=hint))
    return findings


def _wrong_result(given: str, returns: Returns, text: str) -> list[ExpressionError]:
    if returns == "any" or given in {returns, "dyn"}:
        return []
    message = f"this gives {cel_noun(given)}, and {NOUNS[returns]} is needed"
    return [ExpressionError(message, offset=0, end=len(text), hint=made(returns))]


def _brief(slot: Slot, values: Activation) -> object:
    """Return a value as a record keeps it: a few words of a text, a few items of a list."""
    try:
        value = values.cache[slot.key] if slot.key in values.cache else values.get(slot)
    except EvaluationError:
        return None
    if isinstance(value, str):
        return value[:SAW_CHARS_MAX]
    if isinstance(value, datetime):
        return plain(value)
    if isinstance(value, list):
        return plain(value[:SAW_ITEMS_MAX])
    return value if isinstance(value, (bool, int)) else None


def _is(value: object, kind: str) -> bool:
    if kind == "int" and isinstance(value, bool):
        return False
    return kind == "any" or isinstance(value, _PYTHON[kind])


def _result(name: str) -> str:
    if name.startswith("LIST"):
        return "list"
    return _RESULTS.get(name, name.lower())
