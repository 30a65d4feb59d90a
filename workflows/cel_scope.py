"""What an expression may name: types of fields, the names of a place, and the errors about them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from events.errors import VouchError

Scalar: TypeAlias = Literal["string", "int", "bool", "instant", "list", "items", "dyn"]


@dataclass(frozen=True)
class ListOf:
    """A list of objects that all have the same fields.

    A list of texts is `'list'`; one of whatever a type of the programme's own holds is `'items'`.
    """

    fields: "Fields"


FieldType: TypeAlias = "Scalar | ListOf | Mapping[str, FieldType]"
FieldKnown: TypeAlias = "FieldType | None"
Fields: TypeAlias = "Mapping[str, FieldType]"

NOUNS = {
    "string": "a string",
    "int": "an int",
    "bool": "a bool",
    "instant": "an instant",
    "list": "a list",
    "items": "a list",
    "dyn": "a value of any type",
}
ROOT_LENGTH_MIN = 3
SCALAR_ROOT_LENGTH_MIN = 4


class ExpressionError(VouchError):
    """An expression that cannot be used, found when it is loaded.

    Attributes:
        offset: First character of the offending part, counted from 0 in the expression.
        end: The character after its last one.
    """

    code = "bad-expression"

    def __init__(self, message: str, *, offset: int, end: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.offset = offset
        self.end = end


class EvaluationError(VouchError):
    """An expression that failed on the values of one input, as by a division by zero.

    The caller counts the condition as false and leaves the fact `condition.failed`.
    """

    code = "condition-failed"


@dataclass(frozen=True)
class Scope:
    """The names that exist in one place of a programme, with their types.

    Attributes:
        names: Root name to its type: `{"event": {"type": "string", "data": {...}}}`.
        labels: What a root stands for, to say so in errors: `{"event": "nps.answered"}`.
        lacking: Dotted path to the event type that lacks it, where a list of types was named.
        seen: Event types that `seen()` may name, with their fields; None allows any type.
        check_span: Raises for a text that is no span; `ago()` asks it when loading.
        zeros: Dotted path to what it is without a value, where that is not its type's zero.

    Raises:
        ValueError: A root is too short to be rewritten in place (see `cel_names`).
    """

    names: Fields
    labels: Mapping[str, str] = field(default_factory=dict)
    lacking: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, Fields] | None = None
    check_span: Callable[[str], object] | None = None
    zeros: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for root, kind in self.names.items():
            least = ROOT_LENGTH_MIN if isinstance(kind, Mapping) else SCALAR_ROOT_LENGTH_MIN
            if len(root) < least and root != "now":
                message = f"the root name {root!r} needs at least {least} characters"
                raise ValueError(message)


def noun(kind: FieldType) -> str:
    """Return a type as a sentence names it.

    >>> noun("int")
    'an int'
    """
    if isinstance(kind, str):
        return NOUNS[kind]
    return "a list of objects" if isinstance(kind, ListOf) else "a group of fields"


def paths_of(fields: Fields, prefix: str = "") -> Iterator[str]:
    """Give every dotted path of a schema, groups included.

    >>> list(paths_of({"event": {"type": "string"}}))
    ['event', 'event.type']
    """
    for name, kind in fields.items():
        path = f"{prefix}{name}"
        yield path
        if isinstance(kind, Mapping):
            yield from paths_of(kind, f"{path}.")
