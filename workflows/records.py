"""The form in which a decision is kept: each run and each refusal said once, in few bytes.

A decision row is written for every input, and its bytes are most of what the database writes.
So facts name their run by its number in `runs`, with what their key has beyond the run's id;
and who was refused by a condition, the commonest by far, is a pair of version and operand.
`facts_of` and `looks_of` give them whole again.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Doc = dict[str, Any]


def refused_by(workflow: str, version: str, operand: str) -> list[str]:
    """Return how a trigger whose condition did not hold is kept.

    >>> refused_by("promoter", "1f", "event.data.score >= 9")
    ['promoter@1f', 'event.data.score >= 9']
    """
    return [f"{workflow}@{version}", operand]


def looks_of(doc: Mapping[str, Any]) -> Iterator[Doc]:
    """Give who looked at an input: `workflow`, `version`, and what came of it.

    >>> list(looks_of({"looked": [refused_by("promoter", "1f", "false")]}))
    [{'workflow': 'promoter', 'version': '1f', 'refused': 'if', 'operand': 'false'}]
    """
    for look in doc.get("looked", ()):
        if isinstance(look, list):
            workflow, _, version = look[0].partition("@")
            whole = {"workflow": workflow, "version": version, "refused": "if"}
            yield {**whole, "operand": look[1]} if look[1] else whole
        else:
            yield look


def facts_of(doc: Mapping[str, Any]) -> Iterator[Doc]:
    """Give the facts of a decision, each with the key, run and workflow it is about.

    >>> opened = {"fact": "task.opened", "run": 0, "at": "/call"}
    >>> list(facts_of({"runs": [["r1", "promoter"]], "facts": [opened]}))
    [{'fact': 'task.opened', 'run': 'r1', 'workflow': 'promoter', 'key': 'r1/call'}]
    """
    runs = doc.get("runs", ())
    for fact in doc.get("facts", ()):
        number = fact.get("run")
        if not isinstance(number, int):
            yield fact
            continue
        run, workflow = runs[number]
        whole = {**fact, "run": run, "workflow": workflow}
        if "at" in fact:
            whole["key"] = run + whole.pop("at")
        yield whole
