"""Templates: whether the words exist, parse, and name only what their message has."""

import re
from collections.abc import Collection
from difflib import get_close_matches
from functools import lru_cache

from workflows.check.braces import bare_in_file, bare_in_title
from workflows.check.context import Context, Place
from workflows.check.findings import Severity
from workflows.definition import Workflow
from workflows.fields import ANSWERS
from workflows.folder import PROGRAMME_FILE, TemplateKind, template_path
from workflows.loaded import Loaded, TemplateKey
from workflows.locales import is_locale
from workflows.words import (
    Kind,
    Template,
    WordsError,
    WordsScope,
    check_template,
    parse_template,
)
from workflows.yaml_document import Document, Spot

FEW = 3
"""Of fewer templates each one that lacks a locale is told by itself."""
REFUSALS = ("not_now", "never")
"""The answers of an ask that say no."""
TASK_TEMPLATES = ("task_escalated", "task_reassigned", "task_unassigned")
"""What the engine sends by itself about a task."""

RULES = "programme_rules"
"""The rules of the game, on a page of their own: `links.rules` leads there."""
ASSIGNED = "task_assigned"
"""What an owner from outside gets with a task, where somebody wrote it."""


def kind_of(channel: str) -> TemplateKind:
    """Return the kind of words that a channel takes."""
    return "sms" if channel == "sms" else "email"


def _can_refuse(template: TemplateKey, loaded: Loaded) -> bool:
    """Return whether words hold a link to say no; a text message has room for one to them all."""
    text = loaded.templates[template]
    known = ANSWERS if template.kind == "sms" else REFUSALS
    return any(f"links.{answer}" in text for answer in known)


class WordsCheck:
    """Checks the words that one workflow sends."""

    def __init__(self, context: Context, workflow: Workflow) -> None:
        self.context = context
        self.workflow = workflow

    def sent(
        self,
        place: Place,
        name: str,
        by: tuple[str, ...],
        ids: tuple[str, ...],
        *,
        key: str = "template",
        links: str = "contact",
        refusable: bool = False,
    ) -> None:
        """Check the words of a message that the step at `place` sends by the channels `by`.

        `links` says what the message is, and so which links there are: `workflows.fields.LINKS`.
        What is `refusable` needs one to say no.
        """
        at = self.context.inner(place, key)
        templates = self.context.templates_of(name)
        if not templates and name in self.context.loaded.unread_of("email", "sms"):
            return
        if not templates:
            close = get_close_matches(name, {key.name for key in self._all}, n=1, cutoff=0.8)
            help_ = f'did you mean "{close[0]}"? else ' if close else ""
            help_ += f"write {template_path(name, self._locale, kind_of((*by, 'email')[0]))}"
            self.context.report("V051", at, f'the template "{name}" is missing', help_)
            return
        self._kinds(at, name, by, staff=links == "staff")
        if refusable:
            self._way_out(at, templates)
        scope = self.context.scopes.words(self.workflow, ids, links=links)
        document, loc = self.context.where(at)
        sender = f"{self.workflow.workflow}, line {document.position(loc).line}"
        for template in templates:
            check_words(self.context, template, scope, sender)

    def _way_out(self, at: Place, templates: list[TemplateKey]) -> None:
        """Report words of an ask that cannot be refused, once wherever they are sent."""
        without = [key for key in templates if not _can_refuse(key, self.context.loaded)]
        if not without:
            return
        paths = ", ".join(template_path(*key) for key in without)
        message = f'"{without[0].name}" asks and leaves no way to say no: no such link in {paths}'
        if any(found.message == message for found in self.context.findings):
            return
        help_ = "add [Rather not now]({{ links.not_now }})"
        if without[0].kind == "sms":
            help_ = "add {{ links.gladly }}: it leads to a page with every answer"
        self.context.report("V037", at, message, help_, severity="warning")

    @property
    def _all(self) -> Collection[TemplateKey]:
        return self.context.loaded.templates

    @property
    def _locale(self) -> str:
        return self.context.policies.locales[0]

    def _kinds(self, at: Place, name: str, by: tuple[str, ...], *, staff: bool) -> None:
        """Report what is missing in the first locale, and warn of other locales' gaps."""
        templates = self.context.loaded.templates
        channels = by or self.context.policies.channels
        kinds = dict.fromkeys(kind_of(channel) for channel in channels)
        first = [kind for kind in kinds if TemplateKey(name, self._locale, kind) in templates]
        missing = [kind for kind in kinds if kind not in first] if by or not first else []
        for kind in missing:
            self._gap(at, name, self._locale, kind, "error")
        others = () if staff else self.context.policies.locales[1:]
        for locale in filter(is_locale, others):
            for kind in first:
                if TemplateKey(name, locale, kind) not in templates:
                    self._gap(at, name, locale, kind, "warning")

    def _gap(
        self, at: Place, name: str, locale: str, kind: TemplateKind, severity: Severity
    ) -> None:
        path = template_path(name, locale, kind)
        if path in self.context.loaded.unread:
            return  # it is there, and cannot be read
        if locale in self.context.unwritten:
            return  # told once, where the locale is named
        what = "text message" if kind == "sms" else "mail"
        message = f'the template "{name}" has no {what} in {locale}'
        if severity == "warning" and any(f.message == message for f in self.context.findings):
            return  # once is enough, wherever else it is sent
        code = "V051" if severity == "error" else "V052"
        self.context.report(code, at, message, f"write {path}", severity=severity)

    def title(self, at: Place, text: str, ids: tuple[str, ...]) -> bool:
        """Check a task's title; return whether there is one."""
        scope = self.context.scopes.words(self.workflow, ids)
        self.context.findings += bare_in_title(*self.context.where(at), text)
        for error in _errors(text, "title", self.workflow.workflow, scope):
            lines = text.split("\n")
            offset = sum(len(line) + 1 for line in lines[: error.line - 1]) + error.column - 1
            document, loc = self.context.where(at)
            spot = document.inside(loc, offset, error.end_column - error.column)
            self.context.findings.append(document.finding("V050", spot, str(error), error.hint))
        return bool(text.strip())


_STARTED_OTHERWISE = ('unknown field "trigger.data.', 'unknown name "referral"')
"""What words name that suit the runs of another workflow, and not of the one that sends them."""


def _is_slip(message: str, hint: str) -> bool:
    """Return whether a name is one that is known, misspelt: the hint names it."""
    names = [text for text in (*message.split('"')[1:2], *hint.split('"')[1:2]) if text]
    return len(names) > 1 and bool(get_close_matches(names[0], names[1:], n=1, cutoff=0.93))


def check_words(context: Context, template: TemplateKey, scope: WordsScope, sender: str) -> None:
    """Report what is wrong in a file of words that `sender` sends, each mistake once."""
    path = template_path(*template)
    text = context.loaded.templates[template]
    document = Document(path, text)
    context.findings += bare_in_file(document, context.findings)
    if template.kind == "email" and re.search(r"\n---\s*\Z", text):
        last = text.rstrip().count("\n") + 1
        message, hint = "this mail has a subject and no words", "write them below the second ---"
        empty = document.finding("V050", Spot(last, 1, 4), message, hint, "warning")
        context.findings += [empty] if empty not in context.findings else []
    for error in _errors(text, template.kind, template.name, scope):
        spot = Spot(error.line, error.column, error.end_column)
        message = str(error)
        if message.startswith(('"', "unknown")):
            message = f"{message} (sent by {sender})"
        hint = error.hint
        if message.startswith(_STARTED_OTHERWISE) and not _is_slip(message, hint):
            hint = f"what starts {sender.partition(',')[0]} has none: send other words there"
        if any(message.startswith(f'unknown field "links.{answer}"') for answer in ANSWERS):
            hint = "only the messages of an ask lead to its answers"
        if message.startswith('unknown field "links.') and not hint:
            hint = "colleagues get no such links: send them other words"
        if message.startswith('unknown field "links.done"'):
            hint = "only a journey's stages, and tasks, have it; an ask is answered by links.gladly"
        finding = document.finding("V050", spot, message, hint)
        same = (path, finding.line, finding.column)
        if all((f.file, f.line, f.column) != same for f in context.findings):
            context.findings.append(finding)
    _leads_somewhere(context, document, text)


def _leads_somewhere(context: Context, document: Document, text: str) -> None:
    """Report a link to rules that nobody wrote."""
    if "links.rules" not in text or context.templates_of(RULES):
        return
    start = text.index("links.rules")
    line, column = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
    spot = Spot(line, column, column + len("links.rules"))
    path = template_path(RULES, context.policies.locales[0], "email")
    finding = document.finding("V051", spot, f'the template "{RULES}" is missing', f"write {path}")
    context.findings += [finding] if finding not in context.findings else []


def _errors(text: str, kind: Kind, name: str, scope: WordsScope) -> list[WordsError]:
    template = _parsed(text, kind, name)
    return [template] if isinstance(template, WordsError) else check_template(template, scope)


@lru_cache(maxsize=1024)
def _parsed(text: str, kind: Kind, name: str) -> Template | WordsError:
    """Return a template, or why it is none: many steps send the same words."""
    try:
        return parse_template(text, kind=kind, name=name)
    except WordsError as error:
        return error


def check_locales(context: Context) -> None:
    """Report the locales that nothing is written in, once and not at every message."""
    named = context.policies.locales
    written = {key.locale for key in context.loaded.templates}
    if len({key.name for key in context.loaded.templates}) < FEW:
        return
    for number, locale in enumerate(named):
        if locale in written or not is_locale(locale):
            continue
        context.unwritten.add(locale)
        place = Place(PROGRAMME_FILE, ("locales", number))
        language = re.split(r"[-_]", locale)[0]
        there = next((each for each in named if each in written), min(written))
        if number:
            gets = language if language in written else named[0]
            message = f'nothing is written in "{locale}": its people get {gets}'
            help_ = "write its words, or leave it out"
            context.report("V052", place, message, help_, severity="warning")
        else:
            message = f'nothing is written in "{locale}", the first locale'
            help_ = f"write {language}" if language in written else f"put {there} first"
            context.report("V051", place, message, f"{help_}: every template has words in it")


def check_unsent(context: Context) -> None:
    """Check the words that no workflow sends: the engine's own, and those kept for later."""
    scope = context.scopes.task_words()
    done = {finding.file for finding in context.findings}
    for template in context.loaded.templates:
        path = template_path(*template)
        if template.name in (*TASK_TEMPLATES, ASSIGNED):
            check_words(context, template, scope, "the engine")
        elif template.name == RULES:
            check_words(context, template, context.scopes.rules(), "the page of the rules")
        elif path not in done:
            text = context.loaded.templates[template]
            error = _parsed(text, template.kind, template.name)
            if isinstance(error, WordsError):
                spot = Spot(error.line, error.column, error.end_column)
                document = Document(path, text)
                context.findings.append(document.finding("V050", spot, str(error), error.hint))
