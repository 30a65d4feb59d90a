"""What is simulated: the shipped programme and small ones made by seed, in two versions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from tests.simulation import wide
from tests.simulation.shapes import shape_of
from workers.programmes import Applied
from workflows.compiled import Programme, version_of
from workflows.folder import Folder
from workflows.load import load_folder, load_programme
from workflows.loaded import Loaded

LIBRARY = Path(__file__).parents[2] / "workflows" / "library"
GENERATED = 12
"""Programmes made by seed; compiling one takes as long as a run of it."""

GENERATED_WIDE = 6

CLASSES = ("survey", "value", "transactional", "transactional")
TEMPLATES = ("plain-1", "plain-2", "plain-3")
WORDS = """---
subject: "Hello"
---
Dear {{ contact.name }}, a word from {{ sender.name }}.
"""
TRIGGERS = ("nps.answered", "favour.granted", "problem.solved", "product.upgraded",
            "project.delivered", "optin.confirmed", "quote.given", "ask.declined",
            "message.skipped", "contact.changed")  # fmt: skip
SPANS = ("20m", "5h", "1d", "2d", "2bd", "3bh", "1w")
CONDITIONS = ("contact.nps.score >= 8", "contact.participant", "!contact.open_case",
              "contact.owner == 'u-sam'", "contact.balance.pending == 0",
              "contact.nps.band != 'detractor'")  # fmt: skip
KINDS = ("quote", "reference_story", "referral")


@dataclass(frozen=True, slots=True)
class Version:
    """A programme as it is applied, and compiled."""

    hash: str
    loaded: Loaded
    applied: Applied

    @property
    def programme(self) -> Programme:
        """The compiled programme."""
        return self.applied.programme


def versions_of(seed: int) -> list[Version]:
    """Return the programme of a seed, and the one that replaces it while runs are waiting."""
    with_all = shape_of(seed).is_wide
    if seed % 3:
        return [_library(0, with_all), _library(1 + seed % 2, with_all)]
    number = seed // 3 % (GENERATED_WIDE if with_all else GENERATED)
    return [_generated(number, 0, with_all), _generated(number, 1, with_all)]


@cache
def _library(change: int, with_all: bool) -> Version:  # noqa: FBT001 - a cache has no names
    return _version(_files(with_all), change)


@cache
def _generated(number: int, change: int, with_all: bool) -> Version:  # noqa: FBT001 - as above
    files = _files(with_all)
    kept = {path: text for path, text in files.items() if not path.startswith("workflows/")}
    made = _made(Random(f"programme/{number}"))
    if with_all:
        made = _calling(made, Random(f"calls/{number}"))
    return _version(kept | made, change and 1 + number % 2)


def _calling(files: Mapping[str, str], draw: Random) -> dict[str, str]:
    """Return the same workflows with calls among their steps."""
    changed = {}
    for path, text in files.items():
        workflow = yaml.safe_load(text)
        steps = workflow["steps"]
        steps.insert(draw.randint(0, len(steps)), wide.call_step(draw))
        changed[path] = yaml.safe_dump(workflow, sort_keys=False)
    return changed


@cache
def _files(with_all: bool) -> dict[str, str]:  # noqa: FBT001 - as above
    files = load_folder(LIBRARY).files
    kept = {path: text for path, text in files.items() if not path.startswith("scenarios/")}
    policies, _, rest = kept["programme.yaml"].partition("\nsync:\n")
    sync = wide.SYNC if with_all else ""
    kept["programme.yaml"] = policies + "\n" + sync + re.sub(r"\A(?: .*\n|\n|#.*\n)*", "", rest)
    words = {
        f"templates/{n}/{locale}.md": WORDS for n in TEMPLATES for locale in ("nl", "en", "de")
    }
    return kept | words


def _version(files: Mapping[str, str], change: int) -> Version:
    loaded = load_programme(Folder(_changed(files, change) if change else files))
    wrong = [finding.message for finding in loaded.findings if finding.severity == "error"]
    assert not wrong, wrong
    bundle = loaded.bundle()
    return Version(version_of(bundle), loaded, Applied(version_of(bundle), bundle))


def _changed(files: Mapping[str, str], change: int) -> dict[str, str]:
    """Return the same programme with other policies, and with workflows that do other things."""
    changed = dict(files)
    policies = files["programme.yaml"]
    if change == 1:
        policies = policies.replace('slot: "10:00"', 'slot: "14:00"')
    policies = policies.replace("declined: 60d", "declined: 20d")
    changed["programme.yaml"] = policies
    for path, text in files.items():
        if path.startswith("workflows/"):
            workflow = yaml.safe_load(text)
            more = {"send": {"template": TEMPLATES[0], "class": "transactional"}}
            workflow["steps"].insert(change - 1, more)
            changed[path] = yaml.safe_dump(workflow, sort_keys=False)
    return changed


# -- made by seed ----------------------------------------------------------------------------------


def _made(draw: Random) -> dict[str, str]:
    files = {}
    for number in range(draw.randint(2, 4)):
        name = f"made-{number}"
        workflow: dict[str, Any] = {
            "workflow": name,
            "title": "Made by seed",
            "trigger": {"event": draw.choice(TRIGGERS)},
            "run": {"again": draw.choice(("ignore", "restart", "once"))},
        }
        if draw.random() < 0.4:
            workflow["trigger"]["if"] = draw.choice(CONDITIONS)
        if draw.random() < 0.3:
            workflow["run"] = {"again": "ignore", "cooldown": draw.choice(SPANS)}
        if draw.random() < 0.4:
            others = [kind for kind in TRIGGERS[:7] if kind != workflow["trigger"]["event"]]
            workflow["exit"] = [{"event": draw.choice(others), "as": "left"}]
        workflow["steps"] = [_step(draw, depth=0) for _ in range(draw.randint(2, 5))]
        files[f"workflows/{name}.yaml"] = yaml.safe_dump(workflow, sort_keys=False)
    return files


def _step(draw: Random, depth: int) -> dict[str, Any]:
    step = draw.choice(_STEPS if depth < 2 else _STEPS[:4])(draw, depth)
    if draw.random() < 0.2 and "switch" not in step:
        step["if"] = draw.choice(CONDITIONS)
    return step


def _send(draw: Random, depth: int) -> dict[str, Any]:
    send: dict[str, Any] = {"template": draw.choice(TEMPLATES), "class": draw.choice(CLASSES)}
    if draw.random() < 0.4:
        send["once"] = True
    step: dict[str, Any] = {"send": send}
    if depth < 2 and draw.random() < 0.3:
        step["then"] = {"skipped": [_step(draw, depth + 1)]}
    return step


def _wait(draw: Random, depth: int) -> dict[str, Any]:
    at = {"at": draw.choice(("slot", "16:30"))} if draw.random() < 0.5 else {}
    return {"wait": {"for": draw.choice(SPANS), **at}}


def _wait_for(draw: Random, depth: int) -> dict[str, Any]:
    step: dict[str, Any] = {
        "wait_for": {"event": draw.choice(TRIGGERS[:7]), "within": draw.choice(SPANS)}
    }
    if depth < 2:
        step["then"] = {"timeout": [_step(draw, depth + 1)]}
    return step


def _task(draw: Random, depth: int) -> dict[str, Any]:
    task: dict[str, Any] = {
        "to": draw.choice(("sales", "account_manager", "business_owner")),
        "title": "Call {{ contact.name }}", "due": draw.choice(("30bm", "24h", "3bd")),
        "within": draw.choice(("0m", "2d", "5bd")),
    }  # fmt: skip
    if draw.random() < 0.5:
        task["levels"] = [{"after": "0bh", "to": "deputy"}]
    if draw.random() < 0.3:
        task |= {"case": True, "requires": ["root_cause"]}
    return {"task": task}


def _ask(draw: Random, depth: int) -> dict[str, Any]:
    ask = {
        "kind": draw.choice(KINDS), "template": TEMPLATES[0],
        "reminders": {"every": draw.choice(("2d", "1w")),
                      "send": [TEMPLATES[1]] * draw.randint(1, 3)},
    }  # fmt: skip
    return {"ask": ask, "then": {"declined": [_step(draw, depth + 1)]}}


def _credit(draw: Random, depth: int) -> dict[str, Any]:
    return {"credit": {"amount": draw.choice((10, 50))}}


def _switch(draw: Random, depth: int) -> dict[str, Any]:
    arms = [{"if": draw.choice(CONDITIONS), "steps": [_step(draw, depth + 1)]}]
    return {"switch": [*arms, {"steps": [_step(draw, depth + 1)]}]}


_STEPS = (_send, _send, _wait, _task, _wait_for, _ask, _credit, _switch)
