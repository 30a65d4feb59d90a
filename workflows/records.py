"""The form in which a decision is kept: each run and each refusal said once, in few bytes.

A decision row is written for every input, and its bytes are most of what the database writes.
So facts name their run by its number in `runs`, with what their key has beyond the run's id;
and who was refused by a condition, the commonest by far, is a pair of version and operand.
`facts_of` and `looks_of` give them whole again.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

Doc = dict[str, Any]

_SAW, _RUN = 2, 4  # places in a row
_LITERAL = re.compile(r"'[^']*'|\"[^\"]*\"")
_PATH = re.compile(r"(?<![\w.])[a-z_]\w*(?:\.[a-z_]\w*)+(\s*\()?")


def paths_read(condition: str) -> list[str]:
    """Return the dotted names in a condition, in their order: whose values are kept beside it.

    >>> paths_read("contact.nps.band == 'event.x' && contact.name.startsWith('A')")
    ['contact.nps.band', 'contact.name']
    """
    found = {}
    for match in _PATH.finditer(_LITERAL.sub("''", condition)):
        path = match[0].rstrip(" (")
        found[path.rpartition(".")[0] if match[1] else path] = True
    return list(found)


def refused_by(workflow: str, version: str, operand: str, saw: list[Any]) -> list[Any]:
    """Return how a trigger whose condition did not hold is kept, with the values it read.

    >>> refused_by("promoter", "1f", "event.data.score >= 9", [6])
    ['promoter@1f', 'event.data.score >= 9', [6]]
    """
    return [f"{workflow}@{version}", operand, saw] if saw else [f"{workflow}@{version}", operand]


def unmet(
    workflow: str, version: str, operand: str, saw: list[Any], where: str, run: str
) -> list[Any]:
    """Return how a condition of a live run that did not hold is kept.

    `where` is `exit/NUMBER`, or the step's name.
    """
    return [f"{workflow}@{version}", operand, saw, where, run]


def looks_of(doc: Mapping[str, Any]) -> Iterator[Doc]:
    """Give who looked at an input: `workflow`, `version`, and what came of it.

    >>> list(looks_of({"looked": [refused_by("promoter", "1f", "contact.tier == 'gold'", [''])]}))
    [{'workflow': 'promoter', 'version': '1f', 'operand': "contact.tier == 'gold'", \
'saw': {'contact.tier': ''}, 'refused': 'if'}]
    """
    for look in doc.get("looked", ()):
        if isinstance(look, list):
            workflow, _, version = look[0].partition("@")
            whole: Doc = {"workflow": workflow, "version": version}
            if look[1]:
                whole["operand"] = look[1]
            if len(look) > _SAW and look[_SAW]:
                whole["saw"] = dict(zip(paths_read(look[1]), look[_SAW], strict=False))
            if len(look) > _RUN:
                yield {**whole, "unmet": look[_RUN - 1], "run": look[_RUN]}
            else:
                yield {**whole, "refused": "if"}
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
