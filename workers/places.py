"""Where a rule stands: file, line and column in the text of the version that applied."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from store import definitions
from store.db import Connection
from workflows.definition import Step, Workflow
from workflows.yaml12 import load_yaml
from workflows.yaml_document import Document

Loc = tuple[str | int, ...]


@dataclass(slots=True)
class _Text:
    """A file as it was written, with the place of each step by name."""

    document: Document
    steps: dict[str, Loc]


class Places:
    """Finds rules in the texts that are kept with their definitions; each is read once.

    What was applied without a file, or before texts were kept, has no place: then it is ''.
    """

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._texts: dict[str, _Text | None] = {}

    def trigger(self, version: str, operand: str = "") -> str:
        """Return the place of a workflow's trigger, or of a part of its condition."""
        return self._at(version, ("trigger", "if") if operand else ("trigger",), operand)

    def step(self, version: str, name: str) -> str:
        """Return the place of a step."""
        text = self._text(version)
        return self._at(version, text.steps[name]) if text and name in text.steps else ""

    def ending(self, version: str, name: str) -> str:
        """Return the place of what ends a run under a name: an exit, or a `stop`."""
        text = self._text(version)
        data = text.document.data if text else None
        exits = data.get("exit", ()) if isinstance(data, dict) else ()
        for number, exit_ in enumerate(exits if isinstance(exits, list) else ()):
            if isinstance(exit_, dict) and exit_.get("as") == name:
                return self._at(version, ("exit", number))
        for loc in text.steps.values() if text else ():
            node, found = text.document.node((*loc, "stop")) if text else (None, False)
            if node is not None and found and node.data == name:
                return self._at(version, (*loc, "stop"))
        return ""

    def unmet(self, version: str, where: str, operand: str) -> str:
        """Return the place of a condition of a live run: `exit/NUMBER`, or of a step."""
        kind, _, number = where.partition("/")
        if kind == "exit" and number.isdigit():
            return self._at(version, ("exit", int(number), "if"), operand)
        text = self._text(version)
        if text is None or where not in text.steps:
            return ""
        loc = text.steps[where]
        for below in (("if",), ("wait_for", "if"), ("task", "done_by", "if")):
            node, found = text.document.node((*loc, *below))
            if node is not None and found and operand in str(node.data):
                return self._at(version, (*loc, *below), operand)
        return self._at(version, loc)

    def policy(self, at: datetime, path: str, operand: str = "") -> str:
        """Return the place of a policy (`caps.bound`) in the programme that was the newest then."""
        hash_ = definitions.head_at(self._conn, at)
        return self._at(hash_, tuple(path.split(".")), operand) if hash_ else ""

    def moment(self, at: datetime, type_: str) -> str:
        """Return the place of a moment's entry in the programme that was the newest then."""
        hash_ = definitions.head_at(self._conn, at)
        text = self._text(hash_) if hash_ else None
        data = text.document.data if text else None
        moments = data.get("moments") if isinstance(data, dict) else None
        entries = moments.get("events") if isinstance(moments, dict) else None
        for number, entry in enumerate(entries if isinstance(entries, list) else ()):
            types = entry.get("event") if isinstance(entry, dict) else None
            if type_ == types or (isinstance(types, list) and type_ in types):
                return self._at(hash_ or "", ("moments", "events", number))
        return ""

    def _at(self, key: str, loc: Loc, part: str = "") -> str:
        text = self._text(key)
        if text is None:
            return ""
        document = text.document
        node, found = document.node(loc)
        value = node.data if node is not None and found else None
        if part and isinstance(value, str) and part in value:
            spot = document.inside(loc, value.index(part), len(part))
        else:
            spot = document.key_position(loc)
        return f"{document.file}:{spot.line}:{spot.column}"

    def _text(self, key: str) -> _Text | None:
        if key not in self._texts:
            found = definitions.text(self._conn, key)
            self._texts[key] = _read(*found) if found else None
        return self._texts[key]


def _read(file: str, text: str) -> _Text:
    document = load_yaml(text, file)
    try:
        steps = dict(_steps(Workflow.model_validate(document.data).steps, ("steps",), ""))
    except ValidationError:  # programme.yaml
        steps = {}
    return _Text(document, steps)


def _steps(steps: tuple[Step, ...], loc: Loc, prefix: str) -> Iterator[tuple[str, Loc]]:
    """Give each step's name, as `workflows.nodes` gives it, and where it stands."""
    for number, step in enumerate(steps):
        place, here = f"{prefix}{number + 1}", (*loc, number)
        yield step.id or place, here
        for outcome, then in step.then.items():
            yield from _steps(then, (*here, "then", outcome), f"{place}.{outcome}.")
        for arm, branch in enumerate(step.switch or ()):
            below: tuple[Any, ...] = (*here, "switch", arm, "steps")
            yield from _steps(branch.steps, below, f"{place}.{arm + 1}.")
