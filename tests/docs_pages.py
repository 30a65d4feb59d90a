"""The pages of docs/ that are made from the code's own tables, so that they cannot drift.

`python -m tests.docs_pages` writes them anew; `tests/test_docs.py` fails while a page
differs from what the code says.
"""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import getdoc
from itertools import groupby
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperArgument, TyperOption

from events.catalogue import EventType, default_catalogue
from events.errors import VouchError
from events.facts import FACTS, FactType
from events.refusals import EventError
from workers.web.gauges import GAUGES, QUEUE
from workers.web.wire import COUNTED
from workflows.check.codes import CODES

ROOT = Path(__file__).parent.parent
MADE = "<!-- Made by `python -m tests.docs_pages`; change the code, not this page. -->"
PACKAGES = ("events", "workflows", "store", "workers")


def write_pages() -> list[str]:
    """Write every page anew and return the paths of those that changed."""
    changed = []
    for path, page in PAGES.items():
        text = page()
        file = ROOT / path
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
            changed.append(path)
    return changed


def _page(title: str, *parts: str) -> str:
    return "\n\n".join((f"# {title}", MADE, *(part.strip("\n") for part in parts))) + "\n"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _summary(thing: object) -> str:
    """Return the first paragraph of a docstring, on one line."""
    return " ".join((getdoc(thing) or "").partition("\n\n")[0].split())


def _sentences(text: str) -> str:
    """Return paragraphs with a line a sentence, as the house writes Markdown."""
    paragraphs = (" ".join(part.split()) for part in text.split("\n\n"))
    return "\n\n".join(part.replace(". ", ".\n") for part in paragraphs)


# -- events ------------------------------------------------------------------------------------


def events_page() -> str:
    """Return the page of the domain events: what happened, and which fields say more."""
    types = default_catalogue().types
    return _page(
        "Domain events",
        """What other systems publish, beside the envelope that [publishing](publishing.md) tells.
Each section gives the fields of `data`; the JSON Schema is linked.
A field in bold must be there, any other may be absent or null.
Fields that are not listed are kept as they came: producers grow.
Types of your own: [how](writing-a-workflow.md#events-of-your-own).""",
        *(_event(entry) for entry in types.values()),
    )


def _event(entry: EventType) -> str:
    properties: Mapping[str, Any] = entry.schema.get("properties", {})
    rows = [
        (f"**`{name}`**" if name in entry.required else f"`{name}`", *_property(schema))
        for name, schema in properties.items()
    ]
    rows += [
        (f"`{name}`", kind, "Added by the engine; what a producer puts there is dropped.")
        for name, kind in entry.model.ADDED.items()
    ]
    needs = "Needs a contact as its subject.\n" if entry.model.NEEDS_CONTACT else ""
    return "\n\n".join(
        (
            f"## `{entry.name}`",
            f"{_sentences(entry.about)}\n{needs}[JSON Schema](events/{entry.name}.json)",
            _table(("field", "type", "meaning"), rows),
        )
    )


def _property(schema: Mapping[str, Any]) -> tuple[str, str]:
    kind = schema.get("type", "")
    if not isinstance(kind, str) or not kind:
        kind = "object" if "$ref" in schema else "value"
    if kind == "array":
        kind = f"list of {schema.get('items', {}).get('type', 'value')}"
    if "enum" in schema:
        kind = " ".join(f"`{value}`" for value in schema["enum"])
    return kind, schema.get("description", "").replace("\n", " ")


# -- facts -------------------------------------------------------------------------------------


def facts_page() -> str:
    """Return the page of the facts: what Vouch tells the world and itself."""
    families = groupby(FACTS.values(), key=lambda fact: fact.name.partition(".")[0])
    return _page(
        "Facts",
        """Everything that happens is a fact: in the database, in `vouch simulate`, in scenarios.
Each has `at fact key cause`, and where they apply `contact account workflow run step`.
The fields of its own are the `event.data` of a workflow that triggers on it.""",
        *(_family(name, list(facts)) for name, facts in families),
    )


def _family(name: str, facts: list[FactType]) -> str:
    fields = ", ".join(
        f"`{field}`" if kind == "string" else f"`{field}` ({kind})"
        for field, kind in facts[0].fields.items()
    )
    rows = [(f"`{fact.name}`", fact.about) for fact in facts]
    return "\n\n".join(
        (f"## {name}", f"Fields: {fields}.", _table(("fact", "what happened"), rows))
    )


# -- findings ----------------------------------------------------------------------------------


def findings_page() -> str:
    """Return the page of what `vouch check` can find, a section a code."""
    return _page(
        "Findings of `vouch check`",
        """A finding says where, what and how to mend it, like a compiler's.
An error keeps a programme from being applied, a warning does not.
The codes never change their meaning.""",
        *(
            f"## {name}: {code.title}\n\n{_sentences(code.explanation)}"
            for name, code in sorted(CODES.items())
        ),
    )


# -- errors ------------------------------------------------------------------------------------


def modules() -> Iterator[Any]:
    """Import and give every module of the four packages, migrations excepted."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if ".migrations" not in found.name and not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def errors() -> list[type[VouchError]]:
    """Return every error that Vouch raises on purpose, by code."""
    list(modules())
    found: list[type[VouchError]] = []
    waiting: list[type[VouchError]] = [VouchError]
    while waiting:
        error = waiting.pop()
        below = [
            each for each in error.__subclasses__() if each.__module__.split(".")[0] in PACKAGES
        ]
        waiting += below
        found += below
    return sorted(set(found), key=lambda error: (error.code, error.__name__))


def errors_page() -> str:
    """Return the page of error codes and of the reasons with which intake refuses events."""
    raised = errors()
    refusals = [error for error in raised if issubclass(error, EventError)]
    return _page(
        "Errors",
        """Every error that Vouch raises on purpose has a code that never changes, mostly a hint.
On the command line it is one line and a hint; in logs and metrics it is its code.""",
        _table(("code", "means"), [(f"`{error.code}`", _summary(error)) for error in raised]),
        "## Why an event is refused",
        """The verdict `rejected` bears one of these reasons and the field it is about.
A refused event is never retried by Vouch: mend it and send it again under the same id.""",
        _table(
            ("reason", "means"),
            sorted({(f"`{error.reason}`", _summary(error)) for error in refusals}),
        ),
        "Some reasons show only where the event is looked at more closely:",
        _table(("reason", "means"), [(f"`{word}`", why) for word, why in LATE_REASONS.items()]),
        """## Why an event changes nothing

What comes too late is no mistake: it is kept, and workflows hear of it.
`vouch explain` says why nothing else came of it.""",
        _table(("reason", "means"), [(f"`{word}`", why) for word, why in IDLE_REASONS.items()]),
    )


LATE_REASONS = {
    "duplicate": "The event, or its natural key, was accepted before: nothing follows from it.",
    "no_mapping": "No entry of the source takes this webhook; it is answered with 202, and "
    "kept to be mapped later.",
    "signature": "A webhook is not signed as its source says.",
    "out_of_scale": "A survey's score lies outside the programme's scale.",
    "required": "A task was closed without a field that it requires, or a gift to a charity "
    "names none.",
    "unknown_choice": "The programme's `rewards.choices` have no such choice.",
    "insufficient": "The contact has not so much that is free to choose with.",
    "unknown_entry": "The contact has no reward of this entry, or reason, to approve.",
    "unknown_contest": "The programme has no contest of this name.",
    "cycle": "A contact would be merged into one that was merged into it.",
    "erased": "The contact was erased: nothing new is kept of them.",
    "self": "A contact would be merged into itself.",
    "unknown_code": "Nobody has this share code.",
    "unknown_referral": "Nobody knows the referral that a review is about.",
    "unknown_theme": "The programme has no theme of this name, and nobody mentioned it.",
    "unknown_lead": "Nobody knows the lead yet: the event is parked until somebody does.",
}
"""Reasons that no error class has: an actor's state or a source gives them."""
IDLE_REASONS = {
    "task_closed": "The task is closed, or was cancelled, already.",
    "task_elsewhere": "The task was taken from whoever said so by the link in their mail.",
    "reward_free": "The reward that is approved is free already.",
    "reward_reversed": "The reward that is approved was taken back.",
    "nothing_to_take_back": "It names nobody, and nothing by which its contact earned; what "
    "they earn by it later is taken back then.",
    "stage_not_offered": "No journey of the contact has this stage on offer, or had.",
    "stage_answered": "The contact answered this stage before.",
}
"""Reasons among those who looked, of events that were no mistake."""


# -- settings ----------------------------------------------------------------------------------


def settings_page() -> str:
    """Return the page of the settings: environment variables, nothing else."""
    table = importlib.import_module("workers.settings").VARIABLES
    rows = [
        (
            f"`{each.name}`",
            f"`{each.default}`" if each.default else "",
            each.about,
            f"`{each.hint}`" if "//" in each.hint else each.hint.replace("<", "\\<"),
        )
        for each in table.values()
    ]
    return _page(
        "Settings",
        """Settings come from the environment, and from nowhere else.
An empty variable counts as one that is not set.
`vouch doctor` reads them all, and says which are missing or wrong.
A name one slip away from one of these is refused, since it would be ignored in silence.
Other variables may stand: a programme names its own as `env:NAME`.""",
        _table(("variable", "default", "meaning", "for example"), rows),
    )


# -- commands ----------------------------------------------------------------------------------


def commands() -> list[tuple[str, Any]]:
    """Return every command with its full name, groups before what is in them."""
    app = importlib.import_module("workers.main").app
    return list(_below("vouch", typer.main.get_command(app)))


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if command.hidden:
        return
    yield name, command
    for word in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from _below(f"{name} {word}", command.get_command(None, word))


def cli_page() -> str:
    """Return the page of the commands, as `--help` tells them."""
    return _page(
        "Commands",
        """The same words as `vouch COMMAND --help`.
Errors are one line and a hint; the exit code is 1 for a finding and 2 for misuse.""",
        *(_command(name, command) for name, command in commands()),
    )


def _command(name: str, command: Any) -> str:
    context = typer.Context(command, info_name=name)
    arguments = " ".join(command.collect_usage_pieces(context))
    options = [
        (f"`{', '.join(param.opts)}`", param.help or "", _default(param))
        for param in command.params
        if isinstance(param, TyperOption) and not param.hidden and param.name != "help"
    ]
    given = [
        (f"`{param.metavar or (param.name or '').upper()}`", param.help)
        for param in command.params
        if isinstance(param, TyperArgument) and param.help
    ]
    parts = [f"## `{name}`", f"```text\n{name} {arguments}\n```", _sentences(command.help or "")]
    if given:
        parts.append(_table(("argument", "meaning"), given))
    if options:
        parts.append(_table(("option", "meaning", "default"), options))
    return "\n\n".join(part for part in parts if part)


def _default(param: TyperOption) -> str:
    value = param.default
    return f"`{value}`" if isinstance(value, (str, int)) and value not in ("", False) else ""


# -- metrics -----------------------------------------------------------------------------------


def metrics_page() -> str:
    """Return the page of the metrics: what is counted, and when somebody should look."""
    every = (*GAUGES.items(), *QUEUE.items())
    gauges = [(f"`{name}`", gauge.says, gauge.warn) for name, gauge in every]
    counted = [
        (f"`{name}`", says, ", ".join(f"`{label}`" for label in labels))
        for name, (says, labels) in COUNTED.items()
    ]
    return _page(
        "Metrics",
        """A web process gives them at `/metrics` in OpenMetrics, as Prometheus reads it.
They hold no names, addresses or ids.""",
        """## What waits, and what is stuck

Read from the database and the queue when they are asked for; the embedded mode has no queue.
So every web process says the same: take the largest, not the sum.""",
        _table(("gauge", "is", "somebody should look"), gauges),
        """## What a web process did

Counted since it began: of several processes the sum.""",
        _table(("metric", "is", "by"), counted),
    )


PAGES: Mapping[str, Callable[[], str]] = {
    "docs/events.md": events_page,
    "docs/facts.md": facts_page,
    "docs/findings.md": findings_page,
    "docs/errors.md": errors_page,
    "docs/settings.md": settings_page,
    "docs/cli.md": cli_page,
    "docs/metrics.md": metrics_page,
}
"""Path to the function that writes the page."""


if __name__ == "__main__":
    sys.stdout.writelines(f"{path}: written\n" for path in write_pages())
