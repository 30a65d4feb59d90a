"""Programmes made at random, of every verb, policy and span; each is one that `check` passes.

Who draws says how: a seed's `Random` for the simulation, hypothesis's own for properties, so
that what fails shrinks.
"""

from collections.abc import Mapping
from random import Random
from typing import Any

from tests.generated_policies import KINDS, policies_of
from tests.generated_workflows import HEARD, OWN_EVENT, WORDS, as_yaml, workflows_of
from workflows.check.sources import catalogue_of
from workflows.compiled import Programme
from workflows.compiling import compile_programme
from workflows.folder import Folder
from workflows.load import load_programme
from workflows.loaded import Loaded

MAIL = '---\nsubject: "About you"\n---\nDear {{ contact.name }}, a word from {{ sender.name }}.\n'
ASK = MAIL + "\n[Not now]({{ links.not_now }})\n"


def made(draw: Random, *, policies: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return the files of a programme; `policies` are laid over those that are drawn."""
    own = policies_of(draw) | dict(policies or {})
    files = {"programme.yaml": as_yaml(own), "events/own.ping.yaml": as_yaml(OWN_EVENT)}
    for name in (*WORDS, "task_escalated", "task_reassigned", "task_unassigned"):
        files[f"templates/{name}/en.md"] = MAIL
    files["templates/plain-1/en.sms.txt"] = "Dear {{ contact.name }}, a word.\n"
    files["templates/asked/en.md"] = ASK
    for name in ("stage", "thanks"):
        files[f"templates/{name}/en.md"] = MAIL
    return files | workflows_of(draw, draw.randint(1, 4), classes=own["classes"])


def busy(draw: Random) -> dict[str, str]:
    """Return the files of a programme that wants to write to everybody about everything."""
    files = {path: text for path, text in made(draw).items() if not path.startswith("workflows/")}
    for number, kind in enumerate(HEARD):
        step: dict[str, Any] = {"send": {
            "template": draw.choice(WORDS), "class": draw.choice(("value", "survey", "journey")),
            **draw.choice(({}, {}, {}, {"uncapped": True})),
        }}  # fmt: skip
        if number % 4 == 0:
            step = {"ask": {"kind": draw.choice(KINDS), "template": "asked", "within": "2mo"}}
        files[f"workflows/busy-{number}.yaml"] = as_yaml({
            "workflow": f"busy-{number}", "trigger": {"event": kind}, "steps": [step],
        })  # fmt: skip
    return files


def loaded(files: Mapping[str, str]) -> Loaded:
    """Return a programme that was made, read; one with errors is a mistake of who made it."""
    found = load_programme(Folder(dict(files)))
    wrong = [finding for finding in found.findings if finding.severity == "error"]
    assert not wrong, (wrong, files)
    return found


def compiled(files: Mapping[str, str]) -> Programme:
    """Return a programme that was made, compiled."""
    found = loaded(files)
    return compile_programme(
        found.policies,
        found.workflows,
        templates={(k.name, k.locale, k.kind): text for k, text in found.templates.items()},
        catalogue=catalogue_of(found)[0],
    )
