"""Whatever a folder holds, there are findings or none, never a traceback."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.broken.sound import SOUND
from tests.unit.checking import findings_of
from workflows.check.codes import CODES
from workflows.check.findings import errors_of, render_text
from workflows.check.programme import check
from workflows.check.sources import catalogue_of
from workflows.compiling import compile_programme
from workflows.folder import Folder
from workflows.load import load_programme

_KEYS = st.sampled_from(
    [
        "workflow",
        "trigger",
        "event",
        "if",
        "run",
        "per",
        "again",
        "steps",
        "send",
        "template",
        "class",
        "to",
        "task",
        "title",
        "due",
        "ask",
        "kind",
        "within",
        "wait",
        "for",
        "wait_for",
        "switch",
        "credit",
        "amount",
        "set",
        "stop",
        "emit",
        "data",
        "then",
        "exit",
        "as",
        "id",
        "by",
        "reminders",
        "programme",
        "caps",
        "classes",
        "roles",
        "staff",
        "asks",
        "ladder",
        "done_by",
        "calendars",
        "nps",
        "levels",
        "with",
    ]
)
_SCALARS = st.one_of(
    st.sampled_from(
        ["nps.answered", "contact", "3d", "event.data.score > 1", "w", "hi", "'", "{{ x }}", "1e3"]
    ),
    st.integers(-5, 10**19),
    st.booleans(),
    st.none(),
    st.text(max_size=8),
)
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=4)),
    max_leaves=12,
)


@given(st.sampled_from(sorted(SOUND)), st.text())
@examples(150)
def test_any_text_is_read_without_an_exception(path: str, text: str) -> None:
    """Whatever a file holds, there are findings or none, never a traceback."""
    findings_of({**SOUND, path: text})


@given(st.sampled_from(["programme.yaml", "workflows/w.yaml", "sources/s.yaml"]), _TREES)
@examples(150)
def test_any_tree_is_read_without_an_exception(path: str, tree: object) -> None:
    """Whatever YAML says, in whatever form."""
    render_text(findings_of({**SOUND, path: json.dumps(tree)}))


@given(st.data())
@examples(200)
def test_any_cut_of_a_sound_file_is_read_and_what_passes_compiles(data: st.DataObject) -> None:
    """A file that is being edited is found wrong, or the programme can run."""
    path = data.draw(st.sampled_from(sorted(SOUND)))
    text = SOUND[path]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 30)))
    piece = data.draw(st.sampled_from(["", "\n", " ", "{", "'", "x: ", "- ", "[", '"', "!", "{{"]))

    loaded = load_programme(Folder({**SOUND, path: text[:start] + piece + text[end:]}))
    found = check(loaded)

    if not errors_of(found):
        compile_programme(
            loaded.policies,
            loaded.workflows,
            templates={(k.name, k.locale, k.kind): words for k, words in loaded.templates.items()},
            catalogue=catalogue_of(loaded)[0],
        )
    for finding in found:
        assert finding.line >= 1
        assert finding.end_column > finding.column >= 1
        assert finding.code in CODES
