"""A programme as it was read: models with their places, and the JSON that is stored of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from pydantic import ValidationError

from events.errors import VouchError
from workflows.check.findings import Finding
from workflows.definition import Workflow
from workflows.folder import (
    PROGRAMME_FILE,
    FileKind,
    FileName,
    TemplateKind,
    file_name,
    template_path,
)
from workflows.policies import Policies, Source
from workflows.yaml_document import Document, Loc

BUNDLE_FORMAT = 1


class BundleError(VouchError):
    """A stored programme is not of the form this version reads."""

    code: ClassVar[str] = "bad-bundle"


class TemplateKey(NamedTuple):
    """Which words: a template's name, a locale, and `email` or `sms`."""

    name: str
    locale: str
    kind: TemplateKind


@dataclass(frozen=True)
class Loaded:
    """A programme as models, with the places of everything when it came from files.

    Attributes:
        policies: `programme.yaml`; an empty one when `policies_read` is false.
        workflows: By name.
        templates: Text, front matter included.
        sources: By name.
        event_types: The programme's own types: JSON Schema of their data.
        findings: What loading found.
        documents: Every YAML file with its places, by path; empty when read from a bundle.
        policies_read: Whether `policies` is what somebody wrote.
        unread: Paths of files that are there and gave nothing: what they hold is not known.
        laid_over: The scenario's document whose `with:` was laid over the policies.
    """

    policies: Policies
    workflows: dict[str, Workflow] = field(default_factory=dict)
    templates: dict[TemplateKey, str] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    event_types: dict[str, dict[str, Any]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    documents: dict[str, Document] = field(default_factory=dict)
    policies_read: bool = True
    unread: frozenset[str] = frozenset()
    laid_over: Document | None = None

    @property
    def positions(self) -> Mapping[str, Document]:
        """Where everything stands: `positions[file].position(loc)`."""
        return self.documents

    @property
    def scenarios(self) -> dict[str, Document]:
        """The scenarios by path, as they were written."""
        return {
            path: document
            for path, document in self.documents.items()
            if (name := file_name(path)) and name.kind == "scenario"
        }

    def known(self, kind: FileKind) -> set[str]:
        """Return the names of a kind that files bear, whatever is wrong inside them."""
        defined: dict[FileKind, Iterable[str]] = {
            "workflow": self.workflows,
            "source": self.sources,
            "event": self.event_types,
        }
        return {*defined.get(kind, ()), *self.unread_of(kind)}

    def unread_of(self, *kinds: FileKind) -> set[str]:
        """Return the names of the files of these kinds of which nothing more is known."""
        names = (file_name(path) for path in self.unread)
        return {name.name for name in names if name and name.kind in kinds}

    def policy_place(self, loc: Loc) -> tuple[Document, Loc]:
        """Return the document in which a policy was written last, and where in it."""
        if self.laid_over is not None:
            node, found = self.laid_over.node(("with", *loc))
            if node is not None and found:
                return self.laid_over, ("with", *loc)
        return self.document(PROGRAMME_FILE), loc

    def document(self, path: str) -> Document:
        """Return a file's document; an empty one for a programme that came from no files."""
        return self.documents.get(path) or Document(path, "")

    def bundle(self) -> dict[str, Any]:
        """Return all that is stored of a programme: plain JSON, the same for the same meaning."""
        return {
            "format": BUNDLE_FORMAT,
            "policies": self.policies.canonical(),
            "workflows": {name: flow.canonical() for name, flow in sorted(self.workflows.items())},
            "templates": {
                template_path(*key): text for key, text in sorted(self.templates.items())
            },
            "sources": {
                name: source.model_dump(mode="json", by_alias=True, exclude_defaults=True)
                for name, source in sorted(self.sources.items())
            },
            "event_types": dict(sorted(self.event_types.items())),
        }


def from_bundle(bundle: Mapping[str, Any]) -> Loaded:
    """Return the programme that `Loaded.bundle()` gave; nothing in it has a place.

    Raises:
        BundleError: it was stored in another form.
    """
    if bundle.get("format") != BUNDLE_FORMAT:
        message = f"a stored programme of format {bundle.get('format')!r} cannot be read"
        raise BundleError(message, hint="apply the programme's folder once more")
    templates: dict[TemplateKey, str] = {}
    for path, text in bundle["templates"].items():
        name = file_name(path)
        if name is None or name.kind not in ("email", "sms"):
            raise BundleError(f"{path} is no template", hint="apply the programme once more")
        templates[TemplateKey(name.name, name.locale, _kind(name))] = text
    try:
        return Loaded(
            policies=Policies.model_validate(bundle["policies"]),
            workflows={n: Workflow.model_validate(f) for n, f in bundle["workflows"].items()},
            templates=templates,
            sources={n: Source.model_validate(s) for n, s in bundle["sources"].items()},
            event_types=dict(bundle["event_types"]),
        )
    except (ValidationError, KeyError) as error:
        message = f"a stored programme cannot be read: {error}"
        raise BundleError(message, hint="apply the programme's folder once more") from error


def _kind(name: FileName) -> TemplateKind:
    return "sms" if name.kind == "sms" else "email"
