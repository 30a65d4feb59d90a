"""What is found by looking at a file as it is written: times without quotes, entries said twice."""

import re
from collections.abc import Iterator

from workflows.check.context import Context
from workflows.check.findings import Severity
from workflows.definition import VERBS
from workflows.folder import PROGRAMME_FILE
from workflows.yaml_document import Document, Loc, Node

ONCE = frozenset(
    {
        "event", "by", "caps", "held_by", "at_night", "locales", "channels", "days", "holidays",
        "requires", "prefer", "choices", "opens", "workflows",
    }
)  # fmt: skip
"""Keys of lists in which an entry has no effect a second time."""
GROUPS = frozenset({"queues", "roles", "words"})
"""Keys of mappings whose every list is such a one."""

_TIME = re.compile(r"(?:[01]?[0-9]|2[0-4]):[0-5][0-9](?::[0-5][0-9])?\Z")


def check_written(context: Context, document: Document) -> None:
    """Report what is odd about a file before anything in it is understood."""
    for loc, node in _nodes(document.root, ()):
        if isinstance(node.data, str) and not node.style and _TIME.match(node.data):
            spot = document.position(loc)
            message = f"{node.data} without quotes is a number to other tools"
            context.findings.append(
                document.finding("V036", spot, message, f'write "{node.data}"', "warning")
            )
        elif node.data is None and loc and node.start == node.end and _is_policy(document):
            _blank(context, document, loc)
        elif isinstance(node.data, list) and _is_set(loc):
            _twice(context, document, loc, node)


def _is_policy(document: Document) -> bool:
    """Return whether nothing behind a key says nothing there: elsewhere it may be a value."""
    return document.file == PROGRAMME_FILE or document.file.startswith("workflows/")


def _blank(context: Context, document: Document, loc: Loc) -> None:
    """Report a key whose value somebody forgot, unless that was found for what it lacks."""
    if len(loc) > 1 and isinstance(loc[-2], int) and loc[-1] in VERBS:
        return  # a step with nothing behind its verb is told of with what stands beside it
    spot = document.key_position(loc)
    here = {(found.file, found.line) for found in context.findings if found.severity == "error"}
    if (document.file, spot.line) not in here:
        message = "a value is missing here"
        help_ = "write it, or leave the key out"
        context.findings.append(document.finding("V013", spot, message, help_, context.judged))


def _nodes(node: Node | None, loc: Loc) -> Iterator[tuple[Loc, Node]]:
    if node is None:
        return
    yield loc, node
    for part, child in node.children.items():
        yield from _nodes(child, (*loc, part))


def _is_set(loc: Loc) -> bool:
    return bool(loc) and (loc[-1] in ONCE or (len(loc) > 1 and loc[-2] in GROUPS))


def _twice(context: Context, document: Document, loc: Loc, node: Node) -> None:
    severity: Severity = context.judged
    first: dict[str, int] = {}
    for number, item in enumerate(node.data):
        if not isinstance(item, str):
            continue
        if item in first:
            before = document.position((*loc, first[item]))
            spot = document.position((*loc, number))
            where = f"line {before.line}, column {before.column}"
            message = f'"{item}" is in this list twice; the first is in {where}'
            context.findings.append(
                document.finding("V024", spot, message, "keep one of them", severity)
            )
        else:
            first[item] = number


def check_all_written(context: Context, workflows: frozenset[str] | None) -> None:
    """Look at every file of the programme, of workflows only at those that are chosen."""
    for path, document in context.loaded.documents.items():
        name = path.removeprefix("workflows/").removesuffix(".yaml")
        scenario = path.startswith("scenarios/")
        left_out = path.startswith("workflows/") and workflows is not None and name not in workflows
        if not left_out and not (scenario and workflows is not None):
            check_written(context, document)
