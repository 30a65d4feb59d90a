"""Words for people: templates of mails, text messages and titles, checked and rendered.

Jinja with sandbox and bounds (`words_sandbox`), Markdown for mail (`words_markdown`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from jinja2 import TemplateError, TemplateSyntaxError

from events.errors import did_you_mean
from workflows.words_check import Checker
from workflows.words_line import Line, filled, line_of
from workflows.words_markdown import to_html_and_text
from workflows.words_sandbox import DEPTH_MAX, Holder, Sandbox, is_deep, refused
from workflows.words_sayings import SIMPLER, said_of
from workflows.words_types import BadValueError, Part, WordsError, WordsScope

__all__ = [
    "RENDERED_BYTES_MAX",
    "TEMPLATE_BYTES_MAX",
    "Kind",
    "Rendered",
    "Template",
    "WordsError",
    "WordsScope",
    "check_template",
    "parse_template",
]

TEMPLATE_BYTES_MAX = 64 * 1024
"""The longest template file, in bytes of UTF-8."""
RENDERED_BYTES_MAX = 64 * 1024
"""The longest that one part of a message may become, in bytes of UTF-8."""

Kind: TypeAlias = Literal["email", "sms", "title"]
FRONT_KEYS = ("subject", "preheader", "sender")
SENDERS = ("owner", "programme")

_SANDBOX = Sandbox()
_FENCE = "---"
_KEY = re.compile(r"\s*([A-Za-z_][\w-]*)\s*:\s?(.*?)\s*$")


@dataclass(frozen=True)
class Rendered:
    """What a template became: `text` always, `html` for mail, the rest where it was given."""

    subject: str
    preheader: str
    text: str
    html: str
    sender: str


@dataclass(frozen=True)
class Template:
    """A template ready to render; `parse_template` makes one."""

    name: str
    kind: Kind
    parts: Mapping[str, Part]
    sender: str
    plain: Line | None = None

    def title(self, values: Mapping[str, object], locale: str) -> str:
        """Return the one line of a title; most are texts and names, which need no Jinja.

        Raises:
            WordsError: As `render`.
        """
        line = filled(self.plain, values) if self.plain is not None else None
        return self.render(values, locale).text if line is None else line

    def render(self, values: Mapping[str, object], locale: str) -> Rendered:
        """Return the words for one recipient, in the language of `locale`.

        Values are plain dicts by root name. None counts as absent. Subject, preheader and
        title become one line, so that no value can add a header.

        Raises:
            WordsError: A value that is needed is absent, or a part became too long.
        """
        given = {name: value for name, value in values.items() if value is not None}
        given["_locale"] = locale

        def line(part: str) -> str:
            return " ".join(_run(self.parts[part], given).split()) if part in self.parts else ""

        body = self.parts["body"]
        if self.kind == "email":
            holder = Holder(Holder.mark_for(body.source))
            source = _run(body, {**given, "_holder": holder}, holder)
            html, text = to_html_and_text(source, holder.mark, holder.values)
            return Rendered(line("subject"), line("preheader"), text, html, self.sender)
        text = line("body") if self.kind == "title" else _run(body, given).strip()
        return Rendered("", "", text, "", self.sender)


def parse_template(text: str, *, kind: Kind, name: str) -> Template:
    """Return a template from the text of its file (of a title: from the title).

    Raises:
        WordsError: The front matter or the Jinja in it is wrong, or it is too long.
    """
    size = len(text.encode("utf-8", "replace"))
    if size > TEMPLATE_BYTES_MAX:
        message = f"the template has {size} bytes; at most {TEMPLATE_BYTES_MAX} are allowed"
        raise WordsError(message, line=1, hint="shorten it, or link to a page")
    lines = text.splitlines()
    if kind == "sms" and lines and lines[0].strip() == _FENCE:
        hint = "begin with the words themselves: all of the file is sent"
        raise WordsError("a text message has no front matter", line=1, end_column=4, hint=hint)
    if kind != "email":
        body = _part(text, 1, 1)
        plain = line_of(body.tree) if kind == "title" else None
        return Template(name, kind, {"body": body}, "programme", plain)
    front, after = _front(lines)
    sender = "programme"
    if "sender" in front:
        sender, line, column = front.pop("sender")
        if sender not in SENDERS:
            hint = did_you_mean(sender, SENDERS)
            end = column + len(sender)
            message = f'unknown sender "{sender}"'
            raise WordsError(message, line=line, column=column, end_column=end, hint=hint)
    parts = {key: _part(*place) for key, place in front.items()}
    parts["body"] = _part("\n".join(lines[after:]), after + 1, 1)
    return Template(name, kind, parts, sender)


def check_template(template: Template, scope: WordsScope) -> list[WordsError]:
    """Return every unknown name, and every name that can be absent and has no default."""
    findings = [
        error for part in template.parts.values() for error in Checker(part, scope).findings()
    ]
    return sorted(findings, key=lambda error: (error.line, error.column))


# -- parsing --------------------------------------------------------------------------------


def _front(lines: list[str]) -> tuple[dict[str, tuple[str, int, int]], int]:
    """Return the front matter (text, line and column by key) and the number of its lines."""
    if not lines or lines[0].strip() != _FENCE:
        hint = "begin with ---, subject: ..., ---"
        raise WordsError("a mail begins with its front matter", line=1, hint=hint)
    if not any(line.strip() == _FENCE for line in lines[1:]):
        raise WordsError("the front matter has no end", line=1, hint="close it with a line of ---")
    found: dict[str, tuple[str, int, int]] = {}
    for number, line in enumerate(lines[1:], start=2):
        if line.strip() == _FENCE:
            if not found.get("subject", ("",))[0]:
                raise WordsError("a mail needs a subject", line=1, hint="add subject: ...")
            return found, number
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        _front_line(line, number, found)
    raise WordsError("the front matter has no end", line=1, hint="close it with a line of ---")


def _front_line(line: str, number: int, found: dict[str, tuple[str, int, int]]) -> None:
    matched = _KEY.match(line)
    if matched is None:
        hint = "write subject: ..., or close the front matter above with a line of ---"
        end = len(line) + 1
        raise WordsError("expected `key: words`", line=number, end_column=end, hint=hint)
    key, value, column = matched[1], matched[2], matched.start(2) + 1
    start, end = matched.start(1) + 1, matched.end(1) + 1
    if key not in FRONT_KEYS:
        hint = did_you_mean(key, FRONT_KEYS)
        message = f'unknown key "{key}"'
        raise WordsError(message, line=number, column=start, end_column=end, hint=hint)
    if key in found:
        message = f'"{key}" stands here twice'
        hint = "keep one of them"
        raise WordsError(message, line=number, column=start, end_column=end, hint=hint)
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value, column = value[1:-1], column + 1
    found[key] = (value, number, column)


def _part(source: str, line: int, column: int) -> Part:
    def error(message: str, hint: str, at: int) -> WordsError:
        lines = source.split("\n")
        text = lines[at - 1] if 0 < at <= len(lines) else ""
        found = max(text.find("{"), 0)
        first = column if at == 1 else 1
        return WordsError(
            message,
            line=line + at - 1,
            column=first + found,
            end_column=first + len(text.rstrip()),
            hint=hint,
        )

    deep = f"nested or chained deeper than {DEPTH_MAX}"
    try:
        tree = _SANDBOX.parse(source)
        if is_deep(tree):
            raise error(deep, "make it simpler", 1)
        bad = refused(tree)
        if bad is not None:
            raise error(bad[1], SIMPLER, bad[0].lineno or 1)
        return Part(source, line, column, tree, _SANDBOX.from_string(tree))
    except RecursionError:  # before there was a tree to measure
        raise error(deep, "make it simpler", 1) from None
    except TemplateSyntaxError as wrong:
        message = str(wrong.message or "not a template")
        unknown = re.fullmatch(r"No (filter|test) named '(\w+)'\.?", message)
        if unknown is None:
            raise error(*said_of(message), wrong.lineno) from wrong
        known = _SANDBOX.filters if unknown[1] == "filter" else _SANDBOX.tests
        hint = did_you_mean(unknown[2], known)
        raise error(f'unknown {unknown[1]} "{unknown[2]}"', hint, wrong.lineno) from wrong


_FAILURES = (TemplateError, ArithmeticError, AssertionError, TypeError, ValueError, LookupError)
"""What a filter or an operator raises for values that it cannot take."""
_OURS = (TemplateError, BadValueError)


# -- rendering ------------------------------------------------------------------------------


def _run(part: Part, values: Mapping[str, object], holder: Holder | None = None) -> str:
    chunks: list[str] = []
    size = 0
    try:
        for chunk in part.compiled.generate(values):
            size += len(chunk.encode("utf-8", "replace"))
            if size + (holder.bytes if holder else 0) > RENDERED_BYTES_MAX:
                message = f"the words become longer than {RENDERED_BYTES_MAX} bytes"
                raise WordsError(message, line=part.line, column=part.column)
            chunks.append(chunk)
    except _FAILURES as error:
        line, column = part.place(_line_of(error))
        raise WordsError(_said(error), line=line, column=column) from error
    return "".join(chunks)


def _said(error: Exception) -> str:
    """Return what failed without the value that it failed on: it stands in logs and headings."""
    if isinstance(error, ValueError | LookupError) and not isinstance(error, _OURS):
        return "a value is not of the kind that is needed here"
    return str(error)


def _line_of(error: BaseException) -> int:
    """Return the line of the template that failed: Jinja puts it into the traceback."""
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in {"<template>", "<unknown>"}:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
