"""A vendor's webhook becomes a domain event, by the mapping the programme wrote for it.

Pure: the shell verifies with `workflows.signatures`, finds the contact and hands the event to
intake. The mapping is CEL over `body` and `headers` (names in lower case).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from events.catalogue import Catalogue, default_catalogue
from events.refusals import InvalidFieldError, shown
from events.values import ID_CHARS_MAX
from workflows.calendars import make_calendar
from workflows.cel_values import plain
from workflows.durations import parse_span, subtract_span
from workflows.expressions import (
    Activation,
    EvaluationError,
    Expression,
    Scope,
    activation,
    compile_expression,
)
from workflows.policies import Signature, Source

FOUND_BY: Final = ("id", "email", "phone")
"""The fields of a person that find the contact, in this order."""

_SCOPE = Scope({"body": "dyn", "headers": "dyn", "now": "instant"})
_PATH = re.compile(r"\b(body|headers)(?:\.[A-Za-z_]\w*|\[\s*'[^']*'\s*\]|\[\s*\"[^\"]*\"\s*\])+")
_PART = re.compile(r"\.([A-Za-z_]\w*)|\[\s*['\"]([^'\"]*)['\"]\s*\]")
_UTC = ZoneInfo("UTC")
_ALWAYS = make_calendar((), ("00:00", "24:00"), (), _UTC)  # asked of nobody, see subtract_span


@dataclass(frozen=True, slots=True)
class CompiledEvent:
    """One entry of `events`, its expressions compiled."""

    type: str
    if_: Expression | None
    contact: Mapping[str, Expression]
    account: Expression | None
    time: Expression | None
    data: Mapping[str, Expression]
    required: frozenset[str]


@dataclass(frozen=True, slots=True)
class CompiledSource:
    """A source ready to map webhooks.

    Attributes:
        name: Its name in the URL, and the `source` of its events.
        signature: How its webhooks are signed; the secret still as `env:NAME`.
    """

    name: str
    title: str
    signature: Signature
    key: Expression | None
    natural_key: Expression | None
    events: tuple[CompiledEvent, ...]


@dataclass(frozen=True, slots=True)
class Mapped:
    """An event as its source's mapping gives it.

    Attributes:
        raw: A CloudEvent without a subject: who the contact is, is for the store to find.
        person: Fields of the contact, `id`, `email` and `phone` to find it by among them.
    """

    raw: Mapping[str, Any]
    person: Mapping[str, str]

    def about(self, contact: str) -> dict[str, Any]:
        """Return the event with its contact; the same event if that is empty."""
        return {**self.raw, "subject": f"contact/{contact}"} if contact else dict(self.raw)


def compile_source(
    source: Source, scope: Scope = _SCOPE, *, catalogue: Catalogue | None = None
) -> CompiledSource:
    """Return a source with its expressions compiled.

    Args:
        source: As the programme has it.
        scope: What its expressions may name.
        catalogue: Tells which fields a type cannot do without; the built-in types if left out.

    Raises:
        ExpressionError: An expression that cannot be used.
    """
    types = (catalogue or default_catalogue()).types

    def value(text: str) -> Expression | None:
        return compile_expression(text, scope, returns="any") if text else None

    def values(texts: Mapping[str, str]) -> dict[str, Expression]:
        return {
            name: compile_expression(text, scope, returns="any") for name, text in texts.items()
        }

    events = tuple(
        CompiledEvent(
            type=event.type,
            if_=compile_expression(event.if_, scope, returns="bool") if event.if_ else None,
            contact=values(event.contact),
            account=value(event.account),
            time=value(event.time),
            data=values(event.data),
            required=types[event.type].required if event.type in types else frozenset(),
        )
        for event in source.events
    )
    return CompiledSource(
        name=source.source,
        title=source.title,
        signature=source.signature,
        key=value(source.key),
        natural_key=value(source.natural_key),
        events=events,
    )


def map_webhook(
    source: CompiledSource,
    body: object,
    headers: Mapping[str, str],
    arrived: datetime,
) -> list[Mapped]:
    """Return the event that a webhook tells; empty when no entry's `if` holds.

    An entry whose `if` fails on this body counts as one that does not hold. A field of the
    body that is not there is left out where the type does without it.

    Raises:
        EventError: A value that the event needs is missing or cannot be computed; `field`
            names it as the vendor does.
    """
    names = {name.lower(): value for name, value in headers.items()}
    seen = _Webhook(source, body, names, arrived)
    for event in source.events:
        if event.if_ is None or seen.holds(event.if_):
            return [seen.mapped(event)]
    return []


def delivery_key(
    source: CompiledSource, body: object, headers: Mapping[str, str], arrived: datetime
) -> str:
    """Return how the vendor names a delivery, to find it by where no event came of it.

    Empty where the source has no `key`, or the webhook lacks it.
    """
    names = {name.lower(): value for name, value in headers.items()}
    return _Webhook(source, body, names, arrived).delivery()


def contact_id(person: Mapping[str, str]) -> str:
    """Return the id of a contact that is to be made; empty if nothing names the person.

    Derived from the address, so that two webhooks about a stranger agree without asking
    each other.
    """
    if person.get("id"):
        return person["id"]
    address = normal_email(person.get("email", "")) or normal_phone(person.get("phone", ""))
    return f"c-{sha256(address.encode()).hexdigest()[:16]}" if address else ""


def normal_email(text: str) -> str:
    """Return an address as addresses are compared: no case, no spaces around it."""
    return text.strip().casefold()


def normal_phone(text: str) -> str:
    """Return a number as numbers are compared: digits, and the plus in front."""
    digits = re.sub(r"[^0-9]", "", text)
    plus = text.strip().startswith(("+", "00"))
    return f"+{digits.removeprefix('00')}" if plus and digits else digits


class _Webhook:
    """One webhook, looked at by every expression of its source."""

    def __init__(
        self,
        source: CompiledSource,
        body: object,
        headers: Mapping[str, str],
        arrived: datetime,
    ) -> None:
        self._source = source
        self._values: dict[str, Any] = {"body": body, "headers": headers}
        self._at = arrived
        self._activation: Activation = activation(
            self._values, arrived, lambda span: _before(arrived, span)
        )

    def holds(self, condition: Expression) -> bool:
        try:
            return bool(condition.evaluate(self._activation))
        except EvaluationError:
            return False

    def mapped(self, event: CompiledEvent) -> Mapped:
        source = self._source
        data = {}
        for name, expression in event.data.items():
            value = self._value(expression, f"data.{name}", needed=name in event.required)
            if value is not None:
                data[name] = value
        account = event.account and self._text(event.account, "account")
        if account:
            data["account"] = account
        raw: dict[str, Any] = {
            "specversion": "1.0",
            "source": source.name,
            "type": event.type,
            "data": data,
        }
        if event.time is not None:
            raw["time"] = self._instant(event.time)
        key = source.key and self._text(source.key, "key")
        natural = source.natural_key and self._text(
            source.natural_key, "natural_key", needed=not key
        )
        if natural:
            raw["naturalkey"] = natural
        raw["id"] = _bounded(key or natural or self._digest())
        return Mapped(raw, self._person(event))

    def delivery(self) -> str:
        try:
            return _bounded((self._source.key and self._text(self._source.key, "key")) or "")
        except InvalidFieldError:
            return ""

    def _person(self, event: CompiledEvent) -> dict[str, str]:
        person = {
            name: text
            for name, expression in event.contact.items()
            if (text := self._text(expression, f"contact.{name}"))
        }
        if event.contact and not any(name in person for name in FOUND_BY):
            texts = [event.contact[name].text for name in FOUND_BY if name in event.contact]
            field = next(filter(None, (_lacking(text, self._values) for text in texts)), "contact")
            raise InvalidFieldError(
                f"{field}: missing, the contact is found by it",
                field=field,
                hint="a contact has an id, an email or a phone",
            )
        return person

    def _value(self, expression: Expression, of: str, *, needed: bool) -> Any:  # noqa: ANN401
        """Return a value; None where the body lacks it and the event can do without."""
        try:
            return plain(expression.evaluate(self._activation))
        except EvaluationError as error:
            lacking = _lacking(expression.text, self._values)
            if lacking and not needed:
                return None
            if lacking:
                raise InvalidFieldError(
                    f"{lacking}: missing, {of} is made from it",
                    field=lacking,
                    hint=f"mend the mapping of sources/{self._source.name}.yaml, or has(...) it",
                ) from None
            raise InvalidFieldError(
                f"{of}: {shown(str(error))}",
                field=of,
                hint=f"made by: {expression.text}",
            ) from None

    def _text(self, expression: Expression, of: str, *, needed: bool = False) -> str:
        value = self._value(expression, of, needed=needed)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise InvalidFieldError(
                f"{of}: must be text", field=of, hint=f"made by: {expression.text}"
            )
        return str(value).strip()

    def _instant(self, expression: Expression) -> str:
        value = self._value(expression, "time", needed=True)
        if not isinstance(value, str):
            raise InvalidFieldError(
                "time: must be an instant",
                field="time",
                hint=f"write timestamp(...) around it: {expression.text}",
            )
        return value

    def _digest(self) -> str:
        """Name a delivery that nothing names by what it says."""
        try:
            told = orjson.dumps(self._values["body"], option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError as error:
            message = "body: cannot be read as JSON"
            raise InvalidFieldError(message, field="body") from error
        return sha256(told).hexdigest()


def _before(at: datetime, span: str) -> datetime:
    return subtract_span(at, parse_span(span), zone=_UTC, office=_ALWAYS)


def _bounded(name: str) -> str:
    """Vendors' keys can be longer than ids may be; a hash names the delivery as well."""
    return name if len(name) <= ID_CHARS_MAX else sha256(name.encode()).hexdigest()


def _lacking(text: str, values: Mapping[str, Any]) -> str:
    """Return the first path of an expression that the webhook does not have, as far as it is."""
    for match in _PATH.finditer(text):
        path = match[1]
        found: Any = values[path]
        for part in _PART.finditer(match[0]):
            name = part[1] or part[2] or ""
            path = f"{path}.{name}"
            found = found.get(name) if isinstance(found, Mapping) else None
            if found is None:
                return shown(path)
    return ""
