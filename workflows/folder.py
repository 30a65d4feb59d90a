"""The files of a programme, as text: what a folder, a test or the database gives the loader."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal, NamedTuple

from workflows.check.findings import Finding

FILES_MAX = 5_000
"""Files of one programme; more is a folder given by mistake."""

PROGRAMME_FILE = "programme.yaml"

TemplateKind = Literal["email", "sms"]
FileKind = Literal["programme", "workflow", "source", "event", "scenario", "email", "sms"]

_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
_LOCALE = r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]+)*"
_KINDS: tuple[tuple[FileKind, re.Pattern[str]], ...] = (
    ("programme", re.compile(r"programme\.yaml\Z")),
    ("workflow", re.compile(rf"workflows/({_NAME})\.yaml\Z")),
    ("source", re.compile(rf"sources/({_NAME})\.yaml\Z")),
    ("event", re.compile(rf"events/({_NAME})\.yaml\Z")),
    ("scenario", re.compile(rf"scenarios/((?:{_NAME}/)*{_NAME})\.yaml\Z")),
    ("sms", re.compile(rf"templates/({_NAME})/({_LOCALE})\.sms\.txt\Z")),
    ("email", re.compile(rf"templates/({_NAME})/({_LOCALE})\.md\Z")),
)
FOLDERS = ("workflows", "sources", "events", "scenarios", "templates")
"""Where a programme's files lie; whatever else is beside them is none of ours."""


class FileName(NamedTuple):
    """What a file is, by its name: kind, name, and for a template the locale."""

    kind: FileKind
    name: str
    locale: str = ""


@dataclass(frozen=True)
class Folder:
    """A programme's files by their path in the programme, `/` between the parts.

    Attributes:
        files: Text by relative path.
        findings: What could not be read as text.
    """

    files: Mapping[str, str]
    findings: tuple[Finding, ...] = field(default=())


def file_name(path: str) -> FileName | None:
    """Return what the file at `path` is, or None when a programme has no such file.

    >>> file_name("templates/nps3/nl.md")
    FileName(kind='email', name='nps3', locale='nl')
    """
    for kind, pattern in _KINDS:
        match = pattern.match(path)
        if match:
            return FileName(kind, *match.groups()) if match.groups() else FileName(kind, "")
    return None


def is_stray(path: str) -> bool:
    """Return whether a file lies where only files of the programme belong, but is none of them."""
    ours = path.partition("/")[0] in FOLDERS and "/" in path
    return ours and not path.endswith("/README.md") and not file_name(path)


def meant_folder(name: str) -> str:
    """Return the folder of a programme that another one was most likely meant to be, else ''.

    >>> meant_folder("workflow"), meant_folder("Templates"), meant_folder("docs")
    ('workflows', 'templates', '')
    """
    if name in FOLDERS:
        return ""
    return next(iter(get_close_matches(name.casefold(), FOLDERS, n=1, cutoff=0.85)), "")


_RIGHT_NAMES = {
    "workflows": "workflows/NAME.yaml",
    "sources": "sources/NAME.yaml",
    "events": "events/TYPE.yaml",
    "scenarios": "scenarios/NAME.yaml",
    "templates": "templates/NAME/nl.md or templates/NAME/nl.sms.txt",
}


def right_name(path: str) -> str:
    """Return how a file that is not read would have to be named.

    >>> right_name("workflows/nps.yml")
    'name it workflows/nps.yaml'
    """
    stem, dot, ending = path.rpartition(".")
    if dot and ending.lower() in ("yml", "yaml") and file_name(f"{stem}.yaml"):
        return f"name it {stem}.yaml"
    form = _RIGHT_NAMES[path.partition("/")[0]]
    return f"name it {form}: letters, digits, -, _ and dots; or move it elsewhere"


def template_path(name: str, locale: str, kind: str) -> str:
    """Return where the words of a template stand in the programme."""
    return f"templates/{name}/{locale}" + (".sms.txt" if kind == "sms" else ".md")
