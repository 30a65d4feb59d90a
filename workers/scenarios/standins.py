"""Words that nobody wrote yet: a trial plays on with their name, and says which are missing.

Only trials do so. `vouch check` names every place, and a programme without its words is not
applied: nobody is ever sent the name of a template.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import replace

from workflows.check.findings import Finding
from workflows.check.words import TASK_TEMPLATES, kind_of
from workflows.definition import Step
from workflows.folder import TemplateKind, template_path
from workflows.loaded import Loaded, TemplateKey
from workflows.nodes import flatten


def with_stand_ins(loaded: Loaded, only: Collection[str]) -> tuple[Loaded, list[Finding]]:
    """Return a programme whose missing words are their names, and a warning for each.

    A template that somebody began (other locales, another channel) is left as it is.

    Args:
        loaded: The programme.
        only: The workflows whose words are needed.
    """
    written = {key.name for key in loaded.templates}
    locale = loaded.policies.locales[0]
    missing = {
        TemplateKey(name, locale, kind)
        for flow in only
        if flow in loaded.workflows
        for node in flatten(loaded.workflows[flow]).values()
        for name, kind in _words(node.step, loaded.policies.channels)
        if name not in written
    }
    if not missing:
        return loaded, []
    texts = {key: _text(key) for key in missing}
    laid = replace(loaded, templates={**loaded.templates, **texts})
    return laid, [_warning(key) for key in sorted(missing)]


def _words(step: Step, channels: tuple[str, ...]) -> Iterator[tuple[str, TemplateKind]]:
    """Give the templates that a step sends, with the kinds of words they need."""
    if step.send:
        yield from _kinds(step.send.template, step.send.by, channels)
    if step.ask:
        yield from _kinds(step.ask.template, step.ask.by, channels)
        for touch in step.ask.reminders.send if step.ask.reminders else ():
            yield from _kinds(touch.template, touch.by, channels)
    if step.journey:
        for stage in step.journey.stages:
            yield from _kinds(stage.template, (), channels)
            for touch in stage.reminders.send if stage.reminders else ():
                yield from _kinds(touch.template, touch.by, channels)
        if step.journey.thanks:
            yield from _kinds(step.journey.thanks, (), channels)
    if step.task:
        yield from ((name, "email") for name in TASK_TEMPLATES)
        if step.task.script:
            yield step.task.script, "email"


def _kinds(
    name: str, by: tuple[str, ...], channels: tuple[str, ...]
) -> Iterator[tuple[str, TemplateKind]]:
    """Give every channel of a step's `by`; without it, a mail where the programme sends mails."""
    for channel in by or (("email",) if "email" in channels else channels):
        yield name, kind_of(channel)


def _text(key: TemplateKey) -> str:
    if key.kind == "sms":
        return key.name
    return f"---\nsubject: {json.dumps(key.name)}\n---\n{key.name}\n"


def _warning(key: TemplateKey) -> Finding:
    path = template_path(*key)
    message = f'the template "{key.name}" is missing: trials send its name'
    return Finding("V051", "warning", path, 1, 1, 1, message, f"write {path}")
