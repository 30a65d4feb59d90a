"""The file that says where live runs go on: by workflow, from the old step to the new one.

```yaml
promoter:               # its runs go over; every step that is clear needs no word
  call: call_first      # they wait on in a step of the same verb
  rest: {enter: thank}  # they give up the old step and begin the new one
passive: {}             # its runs go over, and all is clear
```
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from events.errors import VouchError, did_you_mean
from workflows.definition import Workflow
from workflows.nodes import flatten
from workflows.yaml12 import load_yaml
from workflows.yaml_document import Document

MovesOf: TypeAlias = Mapping[str, str | Mapping[str, str]]
"""Of one workflow: by old step, the new one or `{"enter": new}`."""

ENTER = "enter"


class MappingError(VouchError):
    """A mapping of steps that cannot be read, or names what is not there."""

    code = "bad-mapping"


def read_mapping(path: Path, workflows: Mapping[str, Workflow]) -> dict[str, MovesOf]:
    """Return what a file says; the names of workflows and new steps in it exist.

    Raises:
        MappingError: It says something else, with the place.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f"{path} cannot be read", hint="name a file of YAML") from error
    document = load_yaml(text, str(path))
    for finding in document.findings:
        raise MappingError(f"{path}:{finding.line}:{finding.column}: {finding.message}",
                           hint=finding.help)  # fmt: skip
    if not isinstance(document.data, dict):
        _wrong(document, (), "a mapping is needed: by workflow, from the old step to the new one")
    return {
        str(name): _moves(document, str(name), said, workflows)
        for name, said in document.data.items()
    }


def _moves(
    document: Document,
    name: str,
    said: object,
    workflows: Mapping[str, Workflow],
) -> MovesOf:
    if name not in workflows:
        hint = did_you_mean(name, workflows)
        _wrong(document, (name,), f"the programme has no workflow {name!r}", hint=hint, key=True)
    if said is None:
        return {}
    if not isinstance(said, dict):
        _wrong(document, (name,), "a mapping is needed: from the old step to the new one")
    steps = flatten(workflows[name])
    return {str(old): _target(document, (name, old), new, steps) for old, new in said.items()}


def _target(
    document: Document,
    loc: tuple[str, Any],
    said: object,
    steps: Mapping[str, Any],
) -> str | dict[str, str]:
    enters = isinstance(said, dict) and list(said) == [ENTER]
    name = str(said[ENTER] if isinstance(said, dict) and enters else said)
    if isinstance(said, (dict, list)) and not enters:
        _wrong(document, loc, "the name of a step is needed, or {enter: NAME}")
    if name not in steps:
        message = f"{loc[0]} has no step {name!r}"
        _wrong(document, loc, message, hint=did_you_mean(name, steps))
    return {ENTER: name} if enters else name


def _wrong(
    document: Document, loc: tuple[Any, ...], message: str, *, hint: str = "", key: bool = False
) -> NoReturn:
    spot = document.key_position(loc) if key else document.position(loc)
    raise MappingError(f"{document.file}:{spot.line}:{spot.column}: {message}", hint=hint)
