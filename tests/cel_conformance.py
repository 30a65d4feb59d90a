"""Runs the public conformance cases of CEL through our conditions.

    python -m tests.cel_conformance FOLDER [--refused] [FILE...]

FOLDER is `tests/simple/testdata` of a checkout of google/cel-spec: nothing of it is kept here.
Each case comes out in one of four ways: `passed`; `at load`, an error of the specification that
is found before any event; `not there`, a feature that is refused when a programme is loaded
(docs/conditions.md lists them), or a value that no event can hold; and `FAILED`, another value
than the specification's, or a value where it has an error.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.textproto import Fields, Quoted, every, one, parse
from workflows.cel_scope import FieldType
from workflows.cel_syntax import Source
from workflows.expressions import (
    EvaluationError,
    ExpressionError,
    Returns,
    Scope,
    activation,
    check_expression,
    compile_expression,
)

NOW = datetime(2027, 1, 1, tzinfo=UTC)
WORDS = ("passed", "at load", "not there", "FAILED")
_SCALARS = {"INT64": "int", "STRING": "string", "BOOL": "bool"}
_ROOT = "given_"
"""What is put before a name: ours have a least length."""
_RESERVED = frozenset({"true", "false", "null"})


class NotThereError(Exception):
    """What a case needs and our conditions do not have, on purpose."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a case."""

    name: str
    expression: str
    word: str
    why: str = ""


def run_file(text: str) -> Iterator[Result]:
    """Give what comes of every case of a file."""
    for section in every(parse(text), "section"):
        for case in every(section, "test"):
            name = f"{one(section, 'name')}/{one(case, 'name')}"
            expression = str(one(case, "expr"))
            try:
                yield Result(name, expression, *_judged(case, expression))
            except NotThereError as error:
                yield Result(name, expression, "not there", str(error))


def _judged(case: Fields, expression: str) -> tuple[str, str]:
    """Return how a case came out, and why."""
    for option in ("disable_macros", "locale"):
        if one(case, option) is not None:
            raise NotThereError(option)
    container = one(case, "container")
    if any(str(one(b, "key")).startswith(f"{container}.") for b in every(case, "bindings")):
        raise NotThereError("containers")
    scope, values, names = _given(case)
    text = _renamed(expression, names)
    kind, value = _says(case)
    if kind == "type_value":  # a type is no value that leaves an expression
        text = f"({text}) == {value}"
    ought_to_fail = one(case, "eval_error") is not None
    findings = check_expression(text, scope, returns="any")
    if findings and ought_to_fail:
        return "at load", str(findings[0])
    if findings:
        raise NotThereError(str(findings[0]))
    if one(case, "check_only") is not None:
        return "passed", ""
    wanted = None if ought_to_fail else _wanted(case)
    returns: Returns = "bool" if kind in {"bool_value", "type_value"} else "any"
    try:
        # A condition has a faster way of its own (workflows/cel_plain.py).
        compiled = compile_expression(text, scope, returns=returns)
        found = compiled.evaluate(activation(values, NOW, lambda _: NOW))
    except (EvaluationError, ExpressionError) as error:
        return ("passed", "") if ought_to_fail else ("FAILED", f"it fails: {error}")
    if not ought_to_fail and _alike(found, wanted):
        return "passed", ""
    what = "and ought to fail" if ought_to_fail else f"not {wanted!r}"
    return "FAILED", f"it gives {found!r}, {what}"


def _says(case: Fields) -> tuple[str, object]:
    """Return of which kind the value is that a case asks for, and the value."""
    value = one(case, "value")
    return value[-1] if isinstance(value, list) and value else ("", None)


# -- what a case gives -----------------------------------------------------------------------------


def _given(case: Fields) -> tuple[Scope, dict[str, Any], frozenset[str]]:
    """Return the names that a case declares, with their values."""
    kinds: dict[str, FieldType] = {}
    for declared in every(case, "type_env"):
        ident = one(declared, "ident")
        if not isinstance(ident, list):
            raise NotThereError("functions of one's own")
        kinds[str(one(declared, "name"))] = _kind(one(ident, "type"))
    values: dict[str, Any] = {}
    for binding in every(case, "bindings"):
        given = one(binding, "value")
        value = one(given, "value") if isinstance(given, list) else None
        if not isinstance(value, list):
            raise NotThereError("unknown values")
        name = str(one(binding, "key"))
        values[name] = _value(value)
        kinds.setdefault(name, "dyn")
    roots: dict[str, Any] = {}
    known: dict[str, Any] = {}
    for name, kind in kinds.items():
        _put(roots, name.split("."), kind)
        if name in values:
            _put(known, name.split("."), values[name])
        elif one(case, "check_only") is None:
            raise NotThereError("a declared name without a value: here it has its type's zero")
    names = frozenset(roots)
    scope = Scope({_ROOT + name: kind for name, kind in roots.items()})
    return scope, {_ROOT + name: value for name, value in known.items()}, names


def _put(into: dict[str, Any], path: list[str], value: object) -> None:
    for part in path[:-1]:
        into = into.setdefault(part, {})
        if not isinstance(into, dict):
            raise NotThereError("a name that begins with another name")
    if path[-1] in into:
        raise NotThereError("a name that begins with another name")
    into[path[-1]] = value


def _kind(type_: object) -> FieldType:
    """Return the type of a name as a schema of ours has it."""
    if not isinstance(type_, list):
        raise NotThereError("a name without a type")
    (kind, inner) = type_[0]
    if kind == "primitive" and str(inner) in _SCALARS:
        return _SCALARS[str(inner)]  # type: ignore[return-value]
    if kind == "well_known" and inner == "TIMESTAMP":
        return "instant"
    if kind in {"list_type", "map_type", "dyn"} or (kind, inner) == ("well_known", "ANY"):
        return "dyn"
    raise NotThereError(f"names of type {inner if isinstance(inner, str) else kind}")


_SPECIAL = {"NaN": "nan", "-NaN": "nan", "inf": "inf", "-inf": "-inf", "Infinity": "inf"}


def _value(value: Fields) -> Any:  # noqa: PLR0911 - a case a type
    """Return a value of the cases as plain Python, in the form that our conditions give."""
    kind, inner = value[-1]
    match kind:
        case "null_value":
            return None
        case "type_value":
            return True
        case "bool_value":
            return inner == "true"
        case "int64_value":
            return int(str(inner), 0)
        case "double_value":
            word = str(inner)
            return float(_SPECIAL.get(word, word))
        case "string_value" if isinstance(inner, Quoted):
            return str(inner)
        case "list_value" if isinstance(inner, list):
            return [_value(each) for each in every(inner, "values")]
        case "map_value" if isinstance(inner, list):
            return {
                _value(_message(entry, "key")): _value(_message(entry, "value"))
                for entry in every(inner, "entries")
            }
        case "object_value" if isinstance(inner, list):
            return _well_known(inner)
        case _:
            raise NotThereError(f"values of {kind.removesuffix('_value')}")


def _message(fields: Fields, name: str) -> Fields:
    found = one(fields, name)
    return found if isinstance(found, list) else []


def _well_known(inner: Fields) -> Any:
    """Return an instant or a duration; there are no other messages here."""
    name, fields = inner[0]
    if not isinstance(fields, list):
        raise NotThereError("messages")
    numbers = {key: int(str(word)) for key, word in fields if isinstance(word, str)}
    if name.endswith("google.protobuf.Timestamp]"):
        since = datetime(1970, 1, 1, tzinfo=UTC)
        return since + timedelta(seconds=numbers.get("seconds", 0),
                                 microseconds=numbers.get("nanos", 0) / 1000)  # fmt: skip
    if name.endswith("google.protobuf.Duration]"):
        return timedelta(seconds=numbers.get("seconds", 0),
                         microseconds=numbers.get("nanos", 0) / 1000)  # fmt: skip
    raise NotThereError("messages")


def _wanted(case: Fields) -> Any:
    typed = one(case, "typed_result")
    fields = _message(typed, "result") if isinstance(typed, list) else _message(case, "value")
    if isinstance(typed, list) and not fields:
        raise NotThereError("types alone")
    return _value(fields) if fields else True  # a case that says nothing asks for true


def _alike(found: object, wanted: object) -> bool:
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(_alike(one_, other) for one_, other in zip(found, wanted, strict=True))
        )
    if isinstance(wanted, dict):
        return (
            isinstance(found, dict)
            and found.keys() == wanted.keys()
            and all(_alike(found[key], wanted[key]) for key in wanted)
        )
    return type(found) is type(wanted) and (found == wanted or found != found)  # noqa: PLR0124 - NaN


def _renamed(text: str, names: frozenset[str]) -> str:
    """Return the expression with its given names put under ours."""
    source = Source(text)
    changed, at = "", 0
    for number, token in enumerate(source.tokens):
        is_field = number > 0 and source.tokens[number - 1].text == "."
        named = token.kind == "name" and token.text in names - _RESERVED
        if named and not is_field:
            changed += f"{text[at : token.start]}{_ROOT}{token.text}"
            at = token.end
    return changed + text[at:]


# -- the table -------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the files of a folder and print a table; 1 if something failed, 2 if there is no file."""
    parser = argparse.ArgumentParser(prog="python -m tests.cel_conformance", description=__doc__)
    parser.add_argument("folder", type=Path, help="tests/simple/testdata of google/cel-spec")
    parser.add_argument("files", nargs="*", help="only these, such as basic")
    parser.add_argument("--refused", action="store_true", help="list what is not there, and why")
    asked = parser.parse_args(arguments)
    paths = sorted(asked.folder.glob("*.textproto"))
    paths = [path for path in paths if not asked.files or path.stem in asked.files]
    if not paths:
        sys.stderr.write(f"no *.textproto in {asked.folder}: give tests/simple/testdata\n")
        return 2
    total: Counter[str] = Counter()
    sys.stdout.write(f"{'file':20}" + "".join(f"{word:>11}" for word in WORDS) + "\n")
    for path in paths:
        results = list(run_file(path.read_text(encoding="utf-8")))
        counts = Counter(result.word for result in results)
        total += counts
        sys.stdout.write(f"{path.stem:20}" + "".join(f"{counts[w]:11}" for w in WORDS) + "\n")
        shown = {"FAILED", "not there", "at load"} if asked.refused else {"FAILED"}
        sys.stdout.writelines(
            f"    {r.word}: {r.name}: {r.expression!r}: {r.why}\n"
            for r in results
            if r.word in shown
        )
    sys.stdout.write(f"{'all':20}" + "".join(f"{total[word]:11}" for word in WORDS) + "\n")
    return 1 if total["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
