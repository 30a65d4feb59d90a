"""The documents are true: what exists is documented, what is documented exists and runs."""

import ast
import doctest
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from events.catalogue import default_catalogue
from events.facts import FACTS
from events.refusals import EventError
from store import tables, tables_beside
from store.outbox import Status
from tests.docs_pages import PAGES, commands, errors
from tests.markdown import ROOT, Page, pages
from workers.scenarios.suite import run_document
from workers.sentences import REASONS
from workers.settings import VARIABLES
from workflows import state
from workflows.check.codes import CODES
from workflows.check.findings import errors_of, render_text
from workflows.check.programme import check
from workflows.definition import VERBS
from workflows.folder import Folder
from workflows.guard import DEFERS, SKIPS
from workflows.load import load_folder, load_programme
from workflows.yaml12 import load_yaml

LIBRARY = ROOT / "workflows" / "library"
PACKAGES = ("events", "workflows", "store", "workers", "tests", "benchmarks", "docs")
ADR_SECTIONS = ["Context", "Decision", "Consequences", "Alternatives", "How it is enforced"]
ADRS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))

ALL = pages()
BY_PATH = {page.path: page for page in ALL}
_pages = pytest.mark.parametrize("page", ALL, ids=lambda page: page.path)


def text(path: str) -> str:
    """Return a page's text."""
    return BY_PATH[path].text


def _sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (ROOT / folder).rglob("*.py")


def missing(names: list[str], path: str) -> list[str]:
    """Return which names a page does not say in code style."""
    page = text(path)
    return [name for name in names if f"`{name}`" not in page]


# -- what exists is documented -----------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(PAGES))
def test_generated_page_is_what_the_code_says(path: str) -> None:
    """Pages made from the code's tables are up to date."""
    now = PAGES[path]()

    assert text(path) == now, f"{path} is behind: run `.venv/bin/python -m tests.docs_pages`"


def test_every_command_setting_event_fact_and_code_has_its_entry() -> None:
    """Nothing that a user can type, set, publish, read or be told is undocumented."""
    assert missing([name for name, _ in commands()], "docs/cli.md") == []
    assert missing([each.name for each in VARIABLES.values()], "docs/settings.md") == []
    assert missing(list(default_catalogue().types), "docs/events.md") == []
    assert missing(list(FACTS), "docs/facts.md") == []
    assert [code for code in CODES if f"## {code}: " not in text("docs/findings.md")] == []
    assert missing([error.code for error in errors()], "docs/errors.md") == []


def test_every_reason_of_a_refusal_is_explained() -> None:
    """Whoever is told why an event was refused finds what the word means."""
    reasons = {error.reason for error in errors() if issubclass(error, EventError)}

    assert missing(sorted(reasons), "docs/errors.md") == []


def test_every_reason_that_is_given_without_an_error_is_explained() -> None:
    """Reasons that actors, sources and the web give by themselves are among those explained."""
    code = "\n".join(file.read_text() for file in _sources("workflows/domain", "workers"))
    given = set(re.findall(r'reject\(turn, event, "(\w+)"', code))
    steps = "\n".join(file.read_text() for file in _sources("workflows/steps"))
    given |= set(re.findall(r'nothing_to_do\(turn, event, "(\w+)"', code + steps))
    given |= set(re.findall(r'"event\.(?:rejected|parked)",[^)]*?reason="(\w+)"', code))
    given |= set(re.findall(r'\bReject\([^)]*reason="(\w+)"', code))

    assert given >= {"required", "out_of_scale", "no_mapping", "task_closed"}
    assert missing(sorted(given), "docs/errors.md") == []


def test_every_status_is_in_the_page_of_lives() -> None:
    """Each status that the code gives to a run, ask, task or message is explained."""
    code = "\n".join(file.read_text() for file in _sources("workflows", "store"))
    given = set(re.findall(r'\bstatus(?::\s*str)?\s*=\s*"(\w+)"', code))

    assert given >= {"live", "ended", "pending", "open"}
    assert missing(sorted({*given, *Status}), "docs/lifecycle.md") == []


def test_every_reason_of_a_wait_or_a_skip_is_explained() -> None:
    """Each word that answers "why did nothing happen?" is in the page of lives."""
    given = {*SKIPS, *DEFERS}
    withdrawn = {"detractor", "case_opened", "unsubscribed"}

    assert missing(sorted((given | set(REASONS)) - withdrawn), "docs/lifecycle.md") == []
    assert missing(sorted(withdrawn), "docs/language.md") == []


def test_every_verb_is_in_the_language() -> None:
    """The language names each verb."""
    assert missing(list(VERBS), "docs/language.md") == []


def test_glossary_has_every_table_and_value() -> None:
    """The glossary explains every table of the store and every value of the core."""
    names = [
        str(vars(row)["__tablename__"])
        for module in (tables, tables_beside)
        for _, row in inspect.getmembers(module, inspect.isclass)
        if row.__module__ == module.__name__
    ]
    values = [
        name.lower()
        for name, value in inspect.getmembers(state, inspect.isclass)
        if value.__module__ == state.__name__ and name not in {"State", "Changes", "Forward"}
    ]
    glossary = text("docs/glossary.md")
    terms = "\n".join(line.split("|")[1] for line in glossary.splitlines() if "| " in line)

    assert len(names) > 15
    assert missing(names, "docs/glossary.md") == []
    assert [value for value in values if not re.search(rf"\b{value}\b", terms)] == []


# -- what is documented exists -----------------------------------------------------------------


@_pages
def test_links_lead_somewhere(page: Page) -> None:
    """Every link within the repository names a file, and an anchor that it has."""
    broken = [link for link in page.links() if not _leads(page, link)]

    assert broken == []


def _leads(page: Page, link: str) -> bool:
    if re.match(r"[a-z]+:", link):
        return True
    path, _, anchor = link.partition("#")
    if not path:
        return unquote(anchor) in page.anchors()
    file = ((ROOT / page.path).parent / unquote(path)).resolve()
    if not file.exists():
        return False
    target = BY_PATH.get(file.relative_to(ROOT).as_posix())
    return not anchor or (target is not None and unquote(anchor) in target.anchors())


def test_broken_links_are_seen() -> None:
    """A link to a file or a heading that is not there is found, also beside good ones."""
    page = Page("docs/x.md", "# A b\n[1](index.md) [2](gone.md) [3](#a-b) [4](#c) `[5](no.md)`\n")

    assert [link for link in page.links() if not _leads(page, link)] == ["gone.md", "#c"]


@_pages
def test_files_that_are_named_exist(page: Page) -> None:
    """A Python file or a folder of code that a page names is there."""
    named = re.findall(rf"`((?:{'|'.join(PACKAGES)})/[\w./-]*?(?:\.py|/))`", page.prose)
    places = {"events/", "workflows/"}  # folders of a programme, too

    assert [name for name in named if name not in places and not (ROOT / name).exists()] == []


@_pages
def test_names_of_code_that_decisions_cite_exist(page: Page) -> None:
    """A function or constant said to be `name` in `file.py` stands in that file."""
    cited = re.findall(r"`([A-Za-z_]\w+)` in `([\w/]+\.py)`", page.prose)

    assert [pair for pair in cited if not _defined(*pair)] == []


def _defined(name: str, path: str) -> bool:
    return bool(re.search(rf"\b{name}\b", (ROOT / path).read_text()))


@_pages
def test_commands_that_are_named_exist(page: Page) -> None:
    """Every `vouch ...` of an example or a sentence is a command."""
    known = {name for name, _ in commands()}
    shell = "\n".join(fence.body for fence in page.fences("sh", "ini"))
    spoken = "\n".join(re.findall(r"`(vouch [^`]+)`", page.prose))
    said = re.findall(r"\bvouch((?: [a-z][a-z_]*\b(?![./:]))+)", f"{shell}\n{spoken}")

    unknown = [f"vouch{words}" for words in said if not _is_command(words.split(), known)]
    assert unknown == []


def _is_command(words: list[str], known: set[str]) -> bool:
    if words[0] == "COMMAND" or " ".join(["vouch", words[0]]) not in known:
        return False
    below = {name.split()[2] for name in known if name.startswith(f"vouch {words[0]} ")}
    return not below or len(words) == 1 or words[1] in below


@pytest.mark.parametrize("file", ADRS, ids=lambda file: file.stem)
def test_decision_is_whole(file: Path) -> None:
    """A decision has every section in order, a sentence to quote, and its line in the list."""
    page = Page(file.name, file.read_text())
    sections = re.findall(r"^## (.+)$", page.text, re.MULTILINE)
    decision = re.search(r"## Decision\n\n\*\*(.+)\*\*\n\n", page.text)

    assert sections == ADR_SECTIONS
    assert page.text.startswith(f"# {int(file.name[:4])}. ")
    assert decision
    assert decision[1] in text("docs/adr/README.md")
    assert f"({file.name})" in text("docs/adr/README.md")


def test_decisions_are_numbered_without_a_gap() -> None:
    """Decisions count from 1, each number once."""
    assert [int(file.name[:4]) for file in ADRS] == list(range(1, len(ADRS) + 1))


@_pages
def test_one_sentence_a_line(page: Page) -> None:
    """Prose has a line a sentence, so that a change shows what it changed."""
    lines = [
        line
        for line in page.prose.splitlines()
        if not line.startswith(("|", "<!--"))
        and re.search(r"[a-z)`]\. [A-Z][a-z]+ ", line.replace("e.g. ", ""))
    ]

    assert lines == []


# -- examples run ------------------------------------------------------------------------------


@_pages
def test_examples_parse(page: Page) -> None:
    """Examples in Python, JSON and YAML are Python, JSON and YAML."""
    for fence in page.fences("python"):
        ast.parse(fence.body)
    for fence in page.fences("json"):
        json.loads(fence.body)
    for fence in page.fences("yaml"):
        found = load_yaml(fence.body, fence.path or "example.yaml").findings
        assert render_text(errors_of(found)) == "", fence.place


@_pages
def test_sessions_run(page: Page) -> None:
    """Examples of a Python session give what they show."""
    sessions = "\n".join(fence.body for fence in page.fences("pycon"))
    example = doctest.DocTestParser().get_doctest(sessions, {}, page.path, page.path, 0)

    assert doctest.DocTestRunner().run(example).failed == 0


def programmes() -> Iterator[tuple[str, Folder]]:
    """Give each page's examples as a programme: of their own, or laid over the shipped one."""
    library = load_folder(LIBRARY).files
    for page in ALL:
        files = {fence.path: fence.body for fence in page.fences() if fence.path}
        if files:
            base = {} if "programme.yaml" in files else dict(library)
            yield page.path, Folder({**base, **files})


PROGRAMMES = dict(programmes())


@pytest.mark.parametrize("page", PROGRAMMES)
def test_programmes_of_the_pages_pass_the_check(page: str) -> None:
    """What a page tells people to write, `vouch check` has nothing to say about."""
    loaded = load_programme(PROGRAMMES[page])

    findings = check(loaded)

    assert render_text(findings) == ""


@pytest.mark.parametrize("page", PROGRAMMES)
def test_scenarios_of_the_pages_pass(page: str) -> None:
    """A scenario that a page shows comes out as it says, in all three ways."""
    shown = {fence.path for fence in BY_PATH[page].fences() if fence.path}
    loaded = load_programme(PROGRAMMES[page])

    for path in sorted(shown & loaded.scenarios.keys()):
        result = run_document(loaded.scenarios[path], loaded)

        assert result.passed, result.differences


def test_pages_show_programmes_at_all() -> None:
    """The README's workflow, the tutorial's programme and a scenario are among the examples."""
    shown = {path for page in ALL for fence in page.fences() if (path := fence.path)}

    assert "README.md" in PROGRAMMES
    assert "programme.yaml" in shown
    assert any(path.startswith("scenarios/") for path in shown)


def test_pages_show_a_session() -> None:
    """At least one example is a Python session, so that the runner of sessions has work."""
    assert [page.path for page in ALL if page.fences("pycon")]
