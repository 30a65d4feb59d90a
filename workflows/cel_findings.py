"""The CEL library's messages, turned into findings with a place and a plain sentence."""

import re

from workflows.cel_hints import SEE, unfit
from workflows.cel_scope import NOUNS, ExpressionError
from workflows.cel_syntax import Node, Source

_FOUND = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)$", re.MULTILINE)
_OVERLOAD = re.compile(r"found no matching overload for '([^']*)' applied to '([^']*)'")
_SYNTAX = re.compile(
    r"(?:mismatched|extraneous|no viable alternative at) input|token recognition error|missing '"
)
_HINTS = {
    "and": "write && for and", "or": "write || for or", "not": "write ! for not",
    "=": "write == to compare", "AND": "write && for and", "OR": "write || for or",
    "is": "write == to compare", "\u2212": "write the plain sign -",
    "\u2013": "write the plain sign -", "\u2260": "write !=",
    "\u2264": "write <=", "\u2265": "write >=",
}  # fmt: skip
_CEL_NOUNS = {
    "google.protobuf.Timestamp": "an instant", "google.protobuf.Duration": "a duration",
    "timestamp": "an instant", "duration": "a duration", "null": "null", "double": "a double",
    "dyn": "a value of any type", "uint": "a uint", "bytes": "bytes",
    "null_type": "null",
}  # fmt: skip
_CURLY = frozenset("\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb")
_QUOTES = ("'", '"')
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})


def inside(finding: ExpressionError, known: list[tuple[int, int]]) -> bool:
    """Tell whether a type error only repeats what is known about a name inside it."""
    if "undeclared" in str(finding):
        return True
    return any(finding.offset <= start and end <= finding.end for start, end in known)


def reason_of(text: str) -> str:
    """Return the library's message without its code names."""
    text = text.removesuffix("]").rsplit(" [", 1)[0] if text.endswith("]") else text
    reason = re.sub(r"^[A-Z_]+: ", "", text.partition("\n")[0])
    if "Iteration budget" in reason:
        return "it looked at too many items"
    return reason


def _offset(text: str, line: int, column: int) -> int:
    lines = text.split("\n")
    return sum(len(before) + 1 for before in lines[: line - 1]) + column - 1


_SPAN_CALL = re.compile(r"\b(?:ago|duration)\(\s*\d+[a-z]+\s*\)")
_SPAN = re.compile(rf"\A\d+(?:y|mo|w|d|h|m|s|bd|bh|bm)\Z|{_SPAN_CALL.pattern}")
"""What is a span elsewhere."""
_OF_SPAN = {
    True: "a span is a text: ago('7d')",
    False: "a span is no instant: trigger.time + duration('72h'), or ago('3d')",
}


def syntax_error(message: str, source: Source) -> ExpressionError:
    """Return why the text is no expression, from the library's message."""
    found = _FOUND.search(message)
    size = len(source.text)
    if not source.tokens:
        hint = "write a condition, or leave the key out"
        return ExpressionError("the expression is empty", offset=0, end=size, hint=hint)
    if "recursion" in message:
        why = "the expression is nested or chained more than 32 deep"
        return ExpressionError(why, offset=0, end=size, hint="use fewer brackets or terms")
    if found is None:
        return ExpressionError(reason_of(message), offset=0, end=size, hint=SEE)
    offset = _offset(source.text, int(found[1]), int(found[2]))
    if "'<EOF>' expecting" in found[3] or offset >= size:
        hint = "close the bracket" if source.is_open else "write what comes after it"
        why = "the expression ends too early"
        return ExpressionError(why, offset=max(size - 1, 0), end=size, hint=hint)
    at = source.index(offset)
    token = source.tokens[at]
    if at and source.tokens[at - 1].text in _HINTS:
        token = source.tokens[at - 1]
    reason = found[3].removeprefix("Syntax error: ").removesuffix(" [INVALID_ARGUMENT]")
    plain, remedy = _plain(reason)
    text = f'"{token.text}" is not expected here' if _SYNTAX.search(reason) else plain
    if token.text in _QUOTES:
        why, hint = "this text has no closing quote", f"close it with {token.text}"
        return ExpressionError(why, offset=token.start, end=size, hint=hint)
    hint = _HINTS.get(token.text) or _hint_of(source.text, token.text)
    hint = remedy if hint == SEE else hint
    return ExpressionError(text, offset=token.start, end=token.end, hint=hint)


def _hint_of(text: str, token: str) -> str:
    """Return the remedy for signs of other languages in an expression."""
    if token[:1] in _CURLY:
        return "write straight quotes: 'text'"
    if "{{" in text:
        return "an expression stands without {{ }}: only words have them"
    if token.startswith("$"):
        return "an expression stands without ${ }"
    if _SPAN.search(text.strip()):
        return _OF_SPAN[bool(_SPAN_CALL.search(text))]
    if text.count("'") % 2:
        return "a quote is missing: a text stands between two, 'text'"
    return SEE


def type_errors(message: str, tree: Node, source: Source) -> list[ExpressionError]:
    """Return what the type checker found, each at the part it concerns."""
    findings: list[ExpressionError] = []
    if "recursion" in message or not _FOUND.search(message):
        return [syntax_error(message, source)]
    for line, column, reason in _FOUND.findall(message):
        offset = _offset(source.text, int(line), int(column))
        nodes = [node for node in tree.walk() if node.pos == offset]
        node = next((n for n in nodes if n.kind in {"call", "select"}), nodes[0] if nodes else tree)
        start, end = source.span(node)
        sentence, hint = _sentence(reason)
        findings.append(ExpressionError(sentence, offset=start, end=end, hint=hint))
    return findings


def cel_noun(name: str) -> str:
    """Return one of the library's types as a sentence names it."""
    name = name.strip()
    if name.startswith(("list", "map")):
        return "a list" if name.startswith("list") else "a map"
    return _CEL_NOUNS.get(name) or NOUNS.get(name) or f"a {name}"


_NO_FIELDS = re.compile(r"expression of type '([^']+)' cannot be the operand of a select")
_LARGEST = 2**63 - 1


def _plain(reason: str) -> tuple[str, str]:
    """Return what the library says of no operator and no function, and what to write instead."""
    if found := _NO_FIELDS.match(reason):
        return f"{cel_noun(found[1])} has no fields", "write it alone, without the dot"
    if "invalid int literal" in reason:
        return "the number is too large", f"a number is at most {_LARGEST}"
    if reason.startswith("has() argument"):
        return "has() asks of a field, not of a name", "write the whole path: has(contact.owner)"
    return reason, SEE


def _sentence(reason: str) -> tuple[str, str]:
    """Return a finding of the type checker as a sentence, and its remedy."""
    found = _OVERLOAD.search(reason)
    if found is None:
        return _plain(reason.partition(" (in container")[0])
    function, applied = found.groups()
    target, _, arguments = ("", "", applied[1:]) if applied[0] == "(" else applied.partition(".(")
    parts = re.split(r",\s*(?![^(]*\))", arguments.removesuffix(")"))
    kinds = [cel_noun(kind) for kind in parts if kind]
    sign = function.strip("_@").replace("_", "")
    if sign in _COMPARISONS and len(kinds) > 1:
        return f"{kinds[0]} is compared with {kinds[1]}", unfit(sign, kinds)
    if target:
        return f"{sign}() of {cel_noun(target)} does not take {' and '.join(kinds)}", SEE
    if sign == "in" and len(kinds) > 1:
        return f"{kinds[0]} cannot be looked for in {kinds[1]}", unfit(sign, kinds)
    called = f"{sign}()" if sign.isalpha() else f'"{sign}"'
    return f"{called} does not take {' and '.join(kinds) or 'nothing'}", unfit(sign, kinds)
