"""The values of one input, as expressions read them: converted once, zero where absent."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, cast

from workflows.cel_names import Slot
from workflows.cel_scope import EvaluationError, Fields, FieldType, ListOf

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZEROS: dict[str, object] = {
    "string": "", "int": 0, "bool": False, "instant": EPOCH, "list": [], "items": [], "dyn": None,
}  # fmt: skip
_TYPES: dict[str, type] = {"string": str, "int": int, "bool": bool, "instant": datetime}


class Activation:
    """The values of one input, shared by all expressions that look at it.

    Each name is looked up and converted when the first expression asks for it, and kept.
    Make a new one when a value has changed. Not to be shared between threads.
    """

    __slots__ = ("_ago", "cache", "now", "roots")

    def __init__(
        self, values: Mapping[str, object], now: datetime, ago: Callable[[str], datetime]
    ) -> None:
        self.roots = values
        self._ago = ago
        self.now = now
        self.cache: dict[str, object] = {}

    def get(self, slot: Slot) -> object:
        """Return the value that a slot asks for, in the form the library takes.

        Raises:
            EvaluationError: The value is not of the slot's type.
        """
        found: object
        match slot.how:
            case "has":
                found = self._find(slot.path)
                value: object = found is not None and found != {}
            case "ago":
                value = self._ago(slot.argument)
            case "seen":
                value = self._seen(slot)
            case _ if slot.argument == "now":
                value = self.now
            case _:
                found = self._find(slot.path)
                if found is None and slot.zero:
                    found = slot.zero
                value = as_cel(found, slot.kind, slot.argument)
        self.cache[slot.key] = value
        return value

    def _find(self, path: tuple[str, ...]) -> object:
        found: object = self.roots
        for part in path:
            if type(found) is not dict and not isinstance(found, Mapping):
                return None
            found = found.get(part)
        return found

    def _seen(self, slot: Slot) -> object:
        seen = self.roots.get("seen")
        rows = seen(slot.argument) if callable(seen) else ()
        return as_cel(list(cast("Iterable[object]", rows)), slot.kind, slot.argument)


def as_cel(value: object, kind: FieldType, path: str) -> object:
    """Return a value in the form of its type; the type's zero for None.

    An instant may come as a datetime, a date (its midnight in UTC) or RFC 3339 text.
    """
    if kind == "dyn":
        return plain(value)
    if isinstance(kind, ListOf):
        rows = cast("Iterable[object]", value or ())
        return [_filled(row, kind.fields, path) for row in rows]
    if isinstance(kind, Mapping):
        return _filled(value, kind, path)
    if value is None:
        return _ZEROS[kind]
    if kind == "instant" and not isinstance(value, datetime):
        value = _instant(value, path)
    if kind in ("list", "items"):
        if isinstance(value, (list, tuple, set, frozenset)):
            rows = sorted(value) if isinstance(value, (set, frozenset)) else list(value)
            return rows if kind == "list" else [plain(row) for row in rows]
        raise EvaluationError(f'"{path}" is {type(value).__name__}, not a list')
    if not isinstance(value, _TYPES[kind]) or (kind == "int" and isinstance(value, bool)):
        raise EvaluationError(f'"{path}" is {type(value).__name__}, not {kind}')
    if isinstance(value, datetime) and value.tzinfo is None:
        raise EvaluationError(f'"{path}" is an instant without a zone')
    return value


def _instant(value: object, path: str) -> datetime:
    if isinstance(value, date):
        return datetime.combine(value, time(), tzinfo=UTC)
    try:
        parsed = datetime.fromisoformat(cast("str", value))
    except (TypeError, ValueError) as error:
        message = f'"{path}" is not an instant: {value!r}'
        raise EvaluationError(message) from error
    whole_day = isinstance(value, str) and len(value) == len("2027-02-03")
    return parsed.replace(tzinfo=UTC) if whole_day else parsed


def _filled(value: object, fields: Fields, path: str) -> dict[str, object]:
    row = value if isinstance(value, Mapping) else {}
    return {name: plain(as_cel(row.get(name), kind, path)) for name, kind in fields.items()}


def plain(value: Any) -> Any:  # noqa: ANN401
    """Return a value of no declared type as the library takes it: instants become RFC 3339 text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, bytes, type(None))) else str(value)
