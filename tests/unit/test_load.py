"""Reading a programme: YAML 1.2 with places, files by kind, bundles and overlays."""

import json
from pathlib import Path

import pytest

from workflows.check.findings import Finding
from workflows.folder import Folder, file_name, is_stray
from workflows.load import FolderError, load_folder, load_programme, with_policies
from workflows.loaded import BundleError, TemplateKey, from_bundle
from workflows.overlay import overlay
from workflows.yaml12 import FILE_BYTES_MAX, NESTING_MAX, load_yaml
from workflows.yaml_document import Spot

PROGRAMME = """\
programme: small
locales: [en]
calendars: {office: {days: [mon, tue], hours: ["09:00", "17:00"]}}
rewards: {hold: 14d, choices: [donation]}
"""
WORKFLOW = """\
workflow: hello
trigger: {event: nps.answered, if: event.data.score > 8}
steps:
  - wait: 3d
  - set: {partner: true}
"""


def test_only_words_and_whole_numbers_are_not_strings() -> None:
    """YAML 1.1's other words, times of day and dates stay the text that was written."""
    document = load_yaml(
        "{a: on, b: yes, c: 10:00, d: 2027-02-11T16:00, e: true, f: -5, g: null, h: 1.5, 3: x}",
        "f.yaml",
    )

    assert document.findings == []
    assert document.data == {
        "a": "on",
        "b": "yes",
        "c": "10:00",
        "d": "2027-02-11T16:00",
        "e": True,
        "f": -5,
        "g": None,
        "h": "1.5",
        "3": "x",
    }


@pytest.mark.parametrize("number", ["1e3", "0x1F", "017", "0o17", "1_000", "1.5e3", "9" * 19])
def test_odd_numbers_are_refused(number: str) -> None:
    """A number that tools read differently is a finding where it stands."""
    (finding,) = load_yaml(f"a: {number}\n", "f.yaml").findings

    assert (finding.code, finding.line, finding.column) == ("V006", 1, 4)


def _one(text: str) -> Finding:
    (finding,) = load_yaml(text, "f.yaml").findings
    return finding


@pytest.mark.parametrize(
    ("text", "code", "place", "message"),
    [
        (
            "if: !contact.x && y\n",
            "V003",
            (1, 5),
            'an expression that starts with "!" needs quotes',
        ),
        ("if: !contact.x\n", "V003", (1, 5), 'an expression that starts with "!" needs quotes'),
        ("if: ! contact.x\n", "V003", (1, 5), 'an expression that starts with "!" needs quotes'),
        ("if: 'a' == b\n", "V003", (1, 5), 'an expression that starts with "\'" needs quotes'),
        ('if: "a" == b\n', "V003", (1, 5), 'an expression that starts with """ needs quotes'),
        ("if: [1] == x\n", "V003", (1, 5), 'an expression that starts with "[" needs quotes'),
        ("if: {a} == x\n", "V003", (1, 5), 'an expression that starts with "{" needs quotes'),
        ("if: &x y\n", "V003", (1, 5), 'an expression that starts with "&" needs quotes'),
        ("if: *x == 3\n", "V003", (1, 5), 'an expression that starts with "*" needs quotes'),
        ("if: a ? b : c\n", "V003", (1, 5), 'an expression that contains ": " needs quotes'),
        ("x:\n  - {if: !a}\n", "V003", (2, 10), "an expression that starts with"),
        ("a: {if: x[1, 2]}\n", "V003", (1, 9), "may hold no bracket pair"),
        ("a: {if: f(a, b), c: d}\n", "V003", (1, 9), 'contains "," is cut in two'),
        ("title: {{ x }}\n", "V004", (1, 8), "text with {{ }} needs quotes"),
        ("title: {{ x }} is here\n", "V004", (1, 8), "text with {{ }} needs quotes"),
        ("a: {title: Call {{ x }}, y: b}\n", "V004", (1, 12), "text with {{ }} needs quotes"),
        ("title: b: c\n", "V003", (1, 8), 'text that contains ": " needs quotes'),
        ("title: @x\n", "V003", (1, 8), 'text that starts with "@" needs quotes'),
        ("a:\n\tb: 1\n", "V008", (2, 1), "a tab cannot indent"),
        ("a: !!str x\n", "V005", (1, 4), "begins a tag"),
        ("a: !x [b]\n", "V005", (1, 4), "begins a tag"),
        ("a: &x 1\n", "V005", (1, 4), "begins an anchor"),
        ("a: *x\n", "V005", (1, 4), "begins an alias"),
        ("<<: {c: d}\n", "V005", (1, 1), "merge keys"),
        ("a: 1\nb: 2\na: 3\n", "V002", (3, 1), "the first is in line 1"),
        ("a: b\n---\nc: d\n", "V001", (2, 1), "a second document"),
        ("", "V001", (1, 1), "the file is empty"),
        ("a: 'x\n", "V001", (1, 4), "quotes that are not closed"),
        ("a: {b: 'x\nc: d\n", "V001", (1, 8), "quotes that are not closed"),
        ("a:b\nc: d\n", "V001", (1, 1), "space is missing after the colon"),
        ("- a:{b: c, d: e}\n", "V001", (1, 3), "space is missing after the colon"),
        ("a b\nc: d\n", "V001", (1, 1), "a colon is missing"),
        ("a: \u201cx\u201d\n", "V003", (1, 4), "no quotation mark"),
        ("a:\n  -\u00a0b: c\n", "V003", (2, 4), "looks like a space"),
        ("a: [1\nb: 2\n", "V001", (1, 4), "not closed"),
        ("a: b\n c: d\n", "V001", (2, 2), "indented by 1 space"),
        ("a: \x00\n", "V007", (1, 4), "U+0000"),
        ("a: \ud800\n", "V007", (1, 4), "U+D800"),
    ],
)
def test_mistakes_of_yaml_are_named(
    text: str, code: str, place: tuple[int, int], message: str
) -> None:
    """What YAML reads otherwise than its author meant is one finding, at its place."""
    finding = _one(text)

    assert (finding.code, (finding.line, finding.column)) == (code, place)
    assert message in finding.message


def test_remedy_writes_the_line() -> None:
    """The help is the text to write, quoted by what it does not contain."""
    assert _one("if: !contact.x\n").help == 'write if: "!contact.x"'
    assert _one('if: !(x == "a")\n').help == "write if: '!(x == \"a\")'"
    assert ">-" in _one("if: !(x == \"a\" || x == 'b')\n").help


def test_file_and_nesting_are_bounded() -> None:
    """A file of the largest size is read, one byte more is not; so is the deepest nesting."""
    head = "a: "

    assert load_yaml(head + "x" * (FILE_BYTES_MAX - 3), "f.yaml").findings == []
    assert _one(head + "x" * (FILE_BYTES_MAX - 2)).code == "V007"
    assert load_yaml("[" * NESTING_MAX + "]" * NESTING_MAX, "f.yaml").findings == []
    assert _one("[" * (NESTING_MAX + 1) + "]" * (NESTING_MAX + 1)).code == "V007"


SPELLED = """\
a:
  if: >-
    foo
    bar ==

    baz
  b: 'it''s here'
  c: "a\\u00e9\\n b"
  d: x y
     z
  e: |
    one
      two
"""


@pytest.mark.parametrize(
    ("key", "part", "line", "column"),
    [
        ("if", "foo", 3, 5),
        ("if", "bar", 4, 5),
        ("if", "baz", 6, 5),
        ("b", "here", 7, 13),
        ("c", "b", 8, 17),
        ("d", "z", 10, 6),
        ("e", "two", 13, 7),
    ],
)
def test_a_part_of_a_text_is_found_in_the_file(key: str, part: str, line: int, column: int) -> None:
    """Quotes, escapes and folded lines are seen through."""
    document = load_yaml(SPELLED, "f.yaml")
    offset = document.data["a"][key].index(part)

    spot = document.inside(("a", key), offset, len(part))

    assert spot == Spot(line, column, column + len(part))


def test_keys_and_values_have_places() -> None:
    """Parts of a location that are not in the document are passed over."""
    document = load_yaml("steps:\n  - send: {template: x}\n", "f.yaml")

    assert document.position(("steps", 0, "send", "template")) == Spot(2, 22, 23)
    assert document.key_position(("steps", 0, "send", "template")) == Spot(2, 12, 20)
    assert document.position(("steps", 0, "tag", "send", "template")) == Spot(2, 22, 23)
    assert document.key_position(("steps", 0, "send", "class")) == Spot(2, 5, 9)


def test_columns_count_characters_on_lines_of_any_end() -> None:
    """A Windows line end and characters beyond ASCII move no place."""
    finding = _one("a: b\r\n'é€😀': !d\r\n")

    assert (finding.line, finding.column, finding.source_line) == (2, 8, "'é€😀': !d")


def test_files_are_told_by_their_names() -> None:
    """Each kind of file has one place in the folder; others there are strays."""
    assert file_name("templates/nps3/nl.sms.txt") == ("sms", "nps3", "nl")
    assert file_name("scenarios/more/s1.yaml") == ("scenario", "more/s1", "")
    assert file_name("docs/readme.md") is None
    assert is_stray("workflows/x.yml")
    assert is_stray("templates/nps3/nl.html")
    assert not is_stray("docs/readme.md")


@pytest.mark.parametrize(
    ("folder", "meant"), [("workflow", "workflows"), ("Template", "templates"), ("docs", "")]
)
def test_a_folder_named_amiss_is_told(folder: str, meant: str, tmp_path: Path) -> None:
    """A folder that is nearly one of a programme's is not read, and somebody should know."""
    (tmp_path / "programme.yaml").write_text(PROGRAMME, encoding="utf-8")
    (tmp_path / folder).mkdir()

    found = load_folder(tmp_path).findings

    assert [(f.code, f.file, f.severity) for f in found] == (
        [("V009", folder, "warning")] if meant else []
    )
    assert all(f.help == f"move what is in it to {meant}" for f in found)


def test_a_folder_is_read_and_bundled(tmp_path: Path) -> None:
    """What is stored of a programme gives the same programme, without places."""
    (tmp_path / "workflows").mkdir()
    (tmp_path / "templates" / "hi").mkdir(parents=True)
    (tmp_path / "programme.yaml").write_text(PROGRAMME, encoding="utf-8")
    (tmp_path / "workflows" / "hello.yaml").write_text(WORKFLOW, encoding="utf-8")
    (tmp_path / "workflows" / "other.yml").write_text("x", encoding="utf-8")
    (tmp_path / "templates" / "hi" / "en.md").write_text("Hi\n", encoding="utf-8")

    loaded = load_programme(load_folder(tmp_path))

    assert [(f.code, f.file, f.severity) for f in loaded.findings] == [
        ("V009", "workflows/other.yml", "warning")
    ]
    assert loaded.templates == {TemplateKey("hi", "en", "email"): "Hi\n"}
    stored = json.dumps(loaded.bundle(), sort_keys=True)
    again = from_bundle(json.loads(stored))
    assert (again.policies, again.workflows) == (loaded.policies, loaded.workflows)
    assert json.dumps(again.bundle(), sort_keys=True) == stored


def test_only_the_programmes_folders_are_looked_at(tmp_path: Path) -> None:
    """A repository around the programme, however large, is none of ours; hidden files neither."""
    for folder in ("src", "workflows"):
        (tmp_path / folder).mkdir()
    (tmp_path / "src" / "a.yaml").write_text("x", encoding="utf-8")
    (tmp_path / "workflows" / ".a.yaml.swp").write_text("x", encoding="utf-8")
    (tmp_path / "workflows" / "README.md").write_text("x", encoding="utf-8")
    (tmp_path / "programme.yaml").write_text(PROGRAMME, encoding="utf-8")

    folder_read = load_folder(tmp_path)

    assert (list(folder_read.files), folder_read.findings) == (["programme.yaml"], ())


def test_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many files as allowed are read, one more is a folder given by mistake."""
    monkeypatch.setattr("workflows.load.FILES_MAX", 2)
    (tmp_path / "workflows").mkdir()
    (tmp_path / "programme.yaml").write_text(PROGRAMME, encoding="utf-8")
    (tmp_path / "workflows" / "a.yaml").write_text(WORKFLOW, encoding="utf-8")

    assert len(load_folder(tmp_path).files) == 2
    (tmp_path / "workflows" / "b.yaml").write_text(WORKFLOW, encoding="utf-8")
    with pytest.raises(FolderError, match="more than 2 files"):
        load_folder(tmp_path)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    """A path that is no folder is the caller's mistake, not a finding."""
    with pytest.raises(FolderError, match="is not a folder"):
        load_folder(tmp_path / "nothing")


def test_a_bundle_of_another_form_is_refused() -> None:
    """A stored programme of an unknown format names the remedy."""
    with pytest.raises(BundleError, match="format 99"):
        from_bundle({"format": 99})


def test_text_that_is_not_utf8_is_a_finding(tmp_path: Path) -> None:
    """Bytes that are no text keep nothing else from being read."""
    (tmp_path / "programme.yaml").write_bytes(b"programme: \xff\n")

    loaded = load_programme(load_folder(tmp_path))

    assert [(f.code, f.file) for f in loaded.findings] == [("V007", "programme.yaml")]
    assert not loaded.policies_read


def test_overlay_merges_mappings_and_replaces_lists() -> None:
    """Only mappings are merged, at every depth."""
    base = {"a": {"b": {"c": 1, "d": 2}}, "l": [1, 2], "x": 1}

    laid = overlay(base, {"a": {"b": {"c": 9}}, "l": [3], "y": {"z": 0}})

    assert laid == {"a": {"b": {"c": 9, "d": 2}}, "l": [3], "x": 1, "y": {"z": 0}}
    assert base["l"] == [1, 2]


def test_a_scenario_lays_policies_over() -> None:
    """`with:` changes what it names; what is wrong with it stands in the scenario's file."""
    text = "scenario: s\nwith: {rewards: {hold: 7d}}\n"
    wrong = "scenario: s\nwith: {rewards: {hold: 7}, staf: {}}\n"
    loaded = load_programme(
        Folder({"programme.yaml": PROGRAMME, "scenarios/a.yaml": text, "scenarios/b.yaml": wrong})
    )
    good, bad = loaded.scenarios["scenarios/a.yaml"], loaded.scenarios["scenarios/b.yaml"]

    assert loaded.findings == ()
    changed = with_policies(loaded, good, good.data["with"])
    assert (changed.policies.rewards.hold, changed.policies.rewards.choices) == (
        "7d",
        ("donation",),
    )
    found = with_policies(loaded, bad, bad.data["with"]).findings
    assert [(f.file, f.line, f.column, f.code) for f in found] == [
        ("scenarios/b.yaml", 2, 24, "V030"),
        ("scenarios/b.yaml", 2, 28, "V010"),
    ]
