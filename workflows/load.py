"""Reads a programme: the only module of the core that opens files.

Whatever a folder holds, loading never raises for it: everything wrong is a finding with its
place.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel

from events.errors import VouchError
from workflows.check.findings import Finding, sort_findings
from workflows.check.structure import read_model
from workflows.definition import Workflow
from workflows.folder import (
    FILES_MAX,
    FOLDERS,
    PROGRAMME_FILE,
    FileName,
    Folder,
    TemplateKind,
    file_name,
    is_stray,
    meant_folder,
    right_name,
)
from workflows.loaded import Loaded, TemplateKey
from workflows.overlay import overlay
from workflows.policies import Policies, Source
from workflows.yaml12 import FILE_BYTES_MAX, load_yaml
from workflows.yaml_document import Document, Spot

M = TypeVar("M", bound=BaseModel)

_HIDING = frozenset({"V001", "V003", "V004", "V005", "V007", "V008"})
"""Findings after which the rest of a file would only be misread."""


class FolderError(VouchError):
    """A path that should be a programme's folder is none."""

    code: ClassVar[str] = "no-programme"


def load_folder(path: Path | str) -> Folder:
    """Return the programme's files below `path` as text.

    Files that a programme does not have are passed over, hidden ones among them.

    Raises:
        FolderError: `path` is no folder, or holds far more files than a programme has.
    """
    root = Path(path)
    if not root.is_dir():
        raise FolderError(f"{root} is not a folder", hint="give the folder of programme.yaml")
    files: dict[str, str] = {}
    findings: list[Finding] = []
    for file in _files_below(root):
        name = file.relative_to(root).as_posix()
        if is_stray(name):
            message = "a programme has no file of this name here, so it is not read"
            findings.append(_about_file(name, "V009", message, right_name(name), "warning"))
        elif file_name(name):
            text, problem = _text(file)
            files[name] = text
            if problem:
                help_ = "save it as UTF-8, without compression"
                findings.append(_about_file(name, "V007", problem, help_))
    for each in sorted(root.iterdir()):
        if each.is_dir() and (meant := meant_folder(each.name)):
            message = "a programme has no folder of this name, so nothing in it is read"
            help_ = f"move what is in it to {meant}"
            findings.append(_about_file(each.name, "V009", message, help_, "warning"))
    return Folder(files, tuple(findings))


def _files_below(root: Path) -> list[Path]:
    """Return the files of the programme's folders; a repository around them is not looked at."""
    found = [file for file in (root / PROGRAMME_FILE,) if file.is_file()]
    for folder in FOLDERS:
        for file in (root / folder).rglob("*"):
            hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
            if not hidden and file.is_file():
                found.append(file)
            if len(found) > FILES_MAX:
                message = f"{root} holds more than {FILES_MAX} files"
                raise FolderError(message, hint="give the folder of programme.yaml itself")
    return sorted(found)


def _text(file: Path) -> tuple[str, str]:
    """Return a file's text, and what is wrong with it as text; at most one of them says much."""
    try:
        with file.open("rb") as opened:
            data = opened.read(FILE_BYTES_MAX + 1)
        return data.decode(), ""
    except UnicodeDecodeError as error:
        if len(data) > FILE_BYTES_MAX and error.start > FILE_BYTES_MAX - 4:
            return data.decode(errors="ignore") + " ", ""  # cut in a character: too large anyway
        return "", f"the file is not UTF-8: byte {error.start} cannot be read"
    except OSError as error:
        return "", f"the file cannot be read: {error.strerror}"


def _about_file(
    path: str,
    code: str,
    message: str,
    help_: str,
    severity: Any = "error",  # noqa: ANN401
) -> Finding:
    return Document(path, "").finding(code, Spot(1, 1, 2), message, help_, severity)


def load_programme(folder: Folder) -> Loaded:
    """Return the programme that the files describe, and all that is wrong with their form."""
    reader = _Reader(folder)
    for path in sorted(folder.files):
        name = file_name(path)
        if name:
            reader.read(path, name, folder.files[path])
    return reader.loaded()


_FIRST_LINE = {
    "programme": "begin with programme: NAME",
    "workflow": "begin with workflow: NAME",
    "source": "begin with source: NAME",
    "event": "begin with type: object",
    "scenario": "begin with scenario: what it tells",
}
"""How each kind of file begins."""


class _Reader:
    """Gathers a programme file by file."""

    def __init__(self, folder: Folder) -> None:
        self.findings = list(folder.findings)
        self.broken = {finding.file for finding in folder.findings}
        self.documents: dict[str, Document] = {}
        self.policies: Policies | None = None
        self.workflows: dict[str, Workflow] = {}
        self.templates: dict[TemplateKey, str] = {}
        self.sources: dict[str, Source] = {}
        self.event_types: dict[str, dict[str, Any]] = {}
        self.unread = set(self.broken)

    def read(self, path: str, name: FileName, text: str) -> None:
        """Take in one file."""
        self.unread.add(path)
        if self.took(path, name, text):
            self.unread.discard(path)

    def took(self, path: str, name: FileName, text: str) -> bool:
        """Take in one file; return whether anything came of it."""
        if path in self.broken:
            return False
        if name.kind in ("email", "sms"):
            return self.template(path, name, text)
        document = self.documents[path] = load_yaml(text, path)
        self.findings += document.findings
        if document.root is None or any(found.code in _HIDING for found in document.findings):
            return False
        if not isinstance(document.data, dict):
            message = "a mapping is needed here"
            self.findings.append(
                document.finding("V013", document.position(()), message, _FIRST_LINE[name.kind])
            )
            return False
        return self.understood(document, name)

    def understood(self, document: Document, name: FileName) -> bool:
        """Keep what a mapping defines; return whether it defines anything."""
        match name.kind:
            case "programme":
                read = read_model(Policies, document, document.data)
                self.findings += read.findings
                if read.whole:  # a section that nobody knows would make all its names unknown
                    self.policies = read.model
                return read.whole
            case "workflow":
                return self.named(self.workflows, Workflow, document, name.name)
            case "source":
                return self.named(self.sources, Source, document, name.name)
            case "event":
                self.event_types[name.name] = document.data
            case _:
                pass  # scenarios are read when they are played
        return True

    def template(self, path: str, name: FileName, text: str) -> bool:
        if len(text.encode("utf-8", "replace")) > FILE_BYTES_MAX:
            message = f"the file is larger than {FILE_BYTES_MAX // 1024} KiB"
            self.findings.append(_about_file(path, "V007", message, "shorten it"))
            return False
        kind: TemplateKind = "sms" if name.kind == "sms" else "email"
        self.templates[TemplateKey(name.name, name.locale, kind)] = text
        return True

    def named(self, into: dict[str, M], model: type[M], document: Document, name: str) -> bool:
        """Keep a definition under its file's name, by which everything else knows it."""
        read = read_model(model, document, document.data)
        self.findings += read.findings
        if read.model is not None:
            into[name] = read.model
        return read.model is not None

    def loaded(self) -> Loaded:
        if PROGRAMME_FILE not in self.documents and PROGRAMME_FILE not in self.broken:
            message = "the programme has no programme.yaml"
            help_ = "give its folder to the command, or begin one with vouch init"
            self.findings.append(_about_file(PROGRAMME_FILE, "V011", message, help_))
        return Loaded(
            policies=self.policies or Policies(programme="programme"),
            workflows=self.workflows,
            templates=self.templates,
            sources=self.sources,
            event_types=self.event_types,
            findings=tuple(sort_findings(self.findings)),
            documents=self.documents,
            policies_read=self.policies is not None,
            unread=frozenset(self.unread),
        )


def with_policies(loaded: Loaded, scenario: Document, with_: Mapping[str, Any]) -> Loaded:
    """Return the programme with a scenario's `with:` laid over its policies.

    What is wrong with the result is a finding in the scenario's file.
    """
    base = loaded.document(PROGRAMME_FILE).data
    data = overlay(base if isinstance(base, dict) else loaded.policies.canonical(), with_)
    read = read_model(Policies, scenario, data, ("with",))
    if read.model is not None and not read.findings:
        return replace(loaded, policies=read.model, laid_over=scenario)
    findings = read.findings if loaded.policies_read else []
    return replace(loaded, findings=tuple(sort_findings([*loaded.findings, *findings])))
