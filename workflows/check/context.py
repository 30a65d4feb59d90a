"""What every check has at hand: the programme, its types, and a way to report at a place."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

from events.catalogue import Catalogue
from events.errors import VouchError, did_you_mean
from workflows.cel_scope import Scope
from workflows.check.absent import absent_passes
from workflows.check.findings import Finding, Severity
from workflows.check.name_hints import name_hint
from workflows.check.values import doubtful_texts, wrong_texts
from workflows.check.yaml_mistakes import cut_by_comment
from workflows.durations import Span, SpanError, parse_span
from workflows.expressions import ExpressionError, Returns, check_expression, names_in
from workflows.folder import PROGRAMME_FILE
from workflows.loaded import Loaded, TemplateKey
from workflows.policies import Policies
from workflows.scopes import Scopes
from workflows.yaml_document import Document, Loc, Part

NOT_NAMES = frozenset({"in", "true", "false", "null"})
"""What CEL does not take for a name, even after a dot."""
CHANNELS = ("email", "sms")
"""The channels that words can be written for."""


_SHORT_MINUTES_MAX = 9
_STEP = re.compile(r'unknown field "steps\.([A-Za-z0-9_]+)"')


@dataclass(frozen=True, slots=True)
class Place:
    """A value in a file: `place / "send" / "template"` is further in."""

    file: str
    loc: tuple[Part, ...] = ()

    def __truediv__(self, part: Part) -> "Place":
        return Place(self.file, (*self.loc, part))


@dataclass(slots=True)
class Context:
    """The programme under check and what was found so far.

    Attributes:
        outcomes: Of the workflow that is looked at: by the id of a step, what may become of it.
        today: In the programme's zone; None when nobody's leave is to be looked at.
        unwritten: Locales that no template is written in.
        strict: Whether what runs, and is hardly meant, keeps a programme from being applied.
    """

    loaded: Loaded
    catalogue: Catalogue
    scopes: Scopes
    findings: list[Finding] = field(default_factory=list)
    business_days: list[Place] = field(default_factory=list)
    outcomes: Mapping[str, Collection[str]] = field(default_factory=dict)
    strict: bool = True
    today: date | None = None
    unwritten: set[str] = field(default_factory=set)
    _by_name: dict[str, list[TemplateKey]] = field(default_factory=dict)

    @property
    def policies(self) -> Policies:
        """The programme's policies."""
        return self.loaded.policies

    def where(self, place: Place) -> tuple[Document, Loc]:
        """Return the document a place is in: a policy may come from a scenario's `with:`."""
        if place.file == PROGRAMME_FILE:
            return self.loaded.policy_place(place.loc)
        return self.loaded.document(place.file), place.loc

    def inner(self, place: Place, key: str) -> Place:
        """Return the place of `key` in a mapping; the place itself where the short form stands."""
        document, loc = self.where(place / key)
        return place / key if document.node(loc)[1] else place

    def templates_of(self, name: str) -> list[TemplateKey]:
        """Return the templates of a name: its locales and kinds."""
        if not self._by_name:
            for key in self.loaded.templates:
                self._by_name.setdefault(key.name, []).append(key)
        return self._by_name.get(name, [])

    def takes_any(self, kind: str) -> bool:
        """Return whether an event type has fields that cannot be told."""
        return self.catalogue.is_open(kind) or kind in self.scopes.unread

    @property
    def judged(self) -> Severity:
        """How bad it is that something runs and is hardly meant; a trial plays it."""
        return "error" if self.strict else "warning"

    def report(
        self,
        code: str,
        place: Place,
        message: str,
        help_: str = "",
        *,
        key: bool = False,
        severity: Severity = "error",
    ) -> None:
        """Add a finding at a value, or at its key."""
        document, loc = self.where(place)
        spot = document.key_position(loc) if key else document.position(loc)
        self.findings.append(document.finding(code, spot, message, help_, severity))

    def unknown(
        self,
        code: str,
        place: Place,
        what: str,
        name: str,
        known: Collection[str],
        *,
        key: bool = False,
    ) -> None:
        """Report a name that nothing bears, with the closest that something does."""
        help_ = did_you_mean(name, known) if known else f"there is no {what} in this programme"
        self.report(code, place, f'unknown {what} "{name}"', help_, key=key)

    def known(self, code: str, place: Place, what: str, name: str, known: Collection[str]) -> bool:
        """Return whether a name is known, and report it if not."""
        if name not in known:
            self.unknown(code, place, what, name, known)
            return False
        return True

    def span(
        self, place: Place, text: str, *, backwards: bool = False, long: bool = False
    ) -> Span | None:
        """Check a span that was given; '' is none. Windows are counted `backwards`.

        Of what is `long` in every programme, single minutes are seldom what was meant.
        """
        if not text and not self._is_blank(place):
            return None
        try:
            span = parse_span(text)
        except SpanError as error:
            self.report("V030", place, str(error), error.hint)
            return None
        if span.is_business:
            self.business_days.append(place)
            if backwards:
                message = f'"{text}" cannot be counted backwards'
                help_ = "windows take calendar or elapsed time: 7d, 24h"
                self.report("V030", place, message, help_)
        elif long and not (span.months or span.days) and text.endswith("m"):
            self._single_minutes(place, text, span.seconds)
        return span

    def _single_minutes(self, place: Place, text: str, seconds: int) -> None:
        if 0 < seconds <= _SHORT_MINUTES_MAX * 60:
            message = f'"{text}" is {seconds // 60} minute{"" if seconds == 60 else "s"}'  # noqa: PLR2004
            self.report("V073", place, message, f"months are {text}o", severity="warning")

    def _is_blank(self, place: Place) -> bool:
        """Return whether an empty text is written there, which is not the same as nothing."""
        document, loc = self.where(place)
        node, found = document.node(loc)
        return node is not None and found and node.data == ""

    def raises(self, code: str, place: Place, error: VouchError) -> None:
        """Report what a parser of the core refused."""
        self.report(code, place, str(error), error.hint)

    def expression(self, place: Place, text: str, scope: Scope, returns: Returns = "bool") -> None:
        """Check an expression that was given against what it may name; '' is none."""
        if not text and not self._is_blank(place):
            return
        errors = check_expression(text, scope, returns=returns)
        for error in errors:
            self._expression_error(place, text, scope, error)
        if not errors:
            for error in wrong_texts(text, scope, self.policies, self.outcomes):
                self._inside("V017", place, error, self.judged)
            for error in doubtful_texts(text, scope, self.policies):
                self._inside("V017", place, error, "warning")
            if returns == "bool":
                self._constant(place, text)
            for error in absent_passes(text, scope, self.scopes.absent):
                self._inside("V077", place, error, "warning")

    def _inside(self, code: str, place: Place, error: ExpressionError, severity: Severity) -> None:
        """Report a part of an expression that is sound and hardly meant."""
        document, loc = self.where(place)
        spot = document.inside(loc, error.offset, error.end - error.offset)
        self.findings.append(document.finding(code, spot, str(error), error.hint, severity))

    def _constant(self, place: Place, text: str) -> None:
        """Warn of a condition that asks about nothing."""
        if "(" not in text and not names_in(text).paths:
            message = "this condition asks about nothing: it always comes out the same"
            help_ = "name what it depends on, or leave it out"
            self.report("V076", place, message, help_, severity="warning")

    def _expression_error(
        self, place: Place, text: str, scope: Scope, error: ExpressionError
    ) -> None:
        document, loc = self.where(place)
        width = max(error.end - error.offset, 1)
        spot = document.inside(loc, error.offset, width)
        message, help_, code = str(error), error.hint, "V016"
        if message.startswith(("unknown name", "unknown field")) or "is not a field of" in message:
            code = "V012"
        if message in ('unknown name "contact"', 'unknown name "account"'):
            code, message = "V028", f"{message[13:]}: the runs of this workflow have none"
            help_ = "its trigger concerns no contact"
        elif (named := _STEP.match(message)) and named[1] in self.outcomes:
            message, help_ = f'"steps.{named[1]}" has no outcome yet here', "name a step before"
        elif code == "V012":
            help_ = name_hint(text, scope, error)
        node, _ = document.node(loc)
        plain = node is not None and not node.style
        if plain and code == "V016" and cut_by_comment(document.line(spot.line), text):
            code, message = "V003", 'an expression that contains " #" needs quotes'
            help_ = "YAML takes the rest of the line for a comment"
            spot = document.inside(loc, 0, len(text))
        self.findings.append(document.finding(code, spot, message, help_))
