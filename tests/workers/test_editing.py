"""JSON Schemas for editors: what is sound is valid, what is broken in form is not."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.json_schema import wrong
from tests.unit.broken.case import Case
from tests.unit.broken.cases import CASES
from tests.unit.broken.sound import SOUND
from workers.cli.root import app
from workers.editing import schemas
from workflows.check.programme import check
from workflows.folder import Folder, file_name
from workflows.keys import KEYS
from workflows.load import load_folder, load_programme
from workflows.yaml12 import load_yaml

LIBRARY = Path(__file__).parents[2] / "workflows" / "library"
OF_FORM = frozenset({"V010", "V011", "V013", "V014", "V019", "V020", "V040"})
"""What a schema can tell: keys, kinds of values, verbs, types of events."""


def faults(files: dict[str, str], path: str) -> list[str]:
    schema = schemas(load_programme(Folder(SOUND)))
    name = file_name(path)
    assert name is not None
    return list(wrong(schema[name.kind], load_yaml(files[path], path).data))


def test_the_shipped_programme_is_valid() -> None:
    """Every file of it, against the schemas that are written for it."""
    folder = load_folder(LIBRARY)
    schema = schemas(load_programme(folder))

    for path, text in folder.files.items():
        name = file_name(path)
        assert name is not None
        if path.endswith(".yaml"):
            found = list(wrong(schema[name.kind], load_yaml(text, path).data))
            assert found == [], path


@pytest.mark.parametrize("path", [path for path in SOUND if path.endswith(".yaml")])
def test_a_sound_file_is_valid(path: str) -> None:
    """What each case breaks is valid."""
    assert faults(dict(SOUND), path) == []


_BEYOND_FORM = ("field of", '"', "is a fact", "no name of")
"""What another file has to say, or what one may write and not mean."""

_BROKEN = [
    case for case in CASES if case.code in OF_FORM and not case.says.startswith(_BEYOND_FORM)
]


@pytest.mark.parametrize("case", _BROKEN, ids=[f"{case.code}-{case.marked}" for case in _BROKEN])
def test_a_file_broken_in_form_is_not_valid(case: Case) -> None:
    """What the check finds in keys, kinds, verbs and types, the editor underlines."""
    text = SOUND[case.file].replace(case.old, case.new, 1)

    assert faults({**SOUND, case.file: text}, case.file) != []


def test_events_of_this_programme_are_described() -> None:
    """Types of its own among them: an event with data of another kind is not valid."""
    own = {**SOUND, "events/invoice.paid.yaml": "properties: {amount: {type: integer}}\n"}
    schema = schemas(load_programme(Folder(own)))
    event = {"specversion": "1.0", "id": "1", "source": "shop", "type": "invoice.paid"}

    assert list(wrong(schema["events"], {**event, "data": {"amount": 5}})) == []
    assert list(wrong(schema["events"], {**event, "data": {"amount": "x"}})) != []
    assert list(wrong(schema["events"], {**event, "type": "invoice.payd"})) != []
    assert list(wrong(schema["event"], {"properties": {"amount": {"type": "number"}}})) != []


def test_every_key_is_explained() -> None:
    """An editor shows a sentence beside each key of a workflow and of the policies' top."""
    schema = schemas(load_programme(Folder(SOUND)))

    steps = schema["workflow"]["$defs"]["Step"]["properties"]
    tops = {**schema["workflow"]["properties"], **schema["programme"]["properties"], **steps}
    assert [name for name, part in tops.items() if not part.get("description")] == []
    assert all(text.endswith(".") for text in KEYS.values())


def test_a_new_programme_has_its_schemas(tmp_path: Path) -> None:
    """`vouch init` writes them, and in every file the line by which an editor finds its own."""
    folder = tmp_path / "programme"

    assert CliRunner().invoke(app, ["init", str(folder)]).exit_code == 0

    for path in folder.rglob("*.yaml"):
        first = path.read_text().split("\n")[0]
        schema = path.parent / first.removeprefix("# yaml-language-server: $schema=")
        assert json.loads(schema.read_text())["title"]
    assert check(load_programme(load_folder(folder))) == []


def test_schemas_are_written_anew(tmp_path: Path) -> None:
    """`vouch schema` names what it wrote, and gives a file its line only once."""
    for path, text in SOUND.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    for _ in range(2):
        result = CliRunner().invoke(app, ["schema", str(tmp_path)])
        assert result.exit_code == 0
        assert str(tmp_path / ".schema" / "workflow.json") in result.output

    assert (tmp_path / "workflows" / "w.yaml").read_text().count("$schema=") == 1


@pytest.mark.parametrize(("format_", "start"), [("mermaid", "---"), ("svg", "<svg ")])
def test_a_workflow_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format_: str, start: str
) -> None:
    """With the runs of the database where there is one; an unknown name has a hint."""
    monkeypatch.setenv("VOUCH_DATABASE_URL", f"sqlite:///{tmp_path}/vouch.db")
    command = ["graph", "promoter", "-p", str(LIBRARY), "--format", format_]

    without = CliRunner().invoke(app, command)
    assert CliRunner().invoke(app, ["migrate"]).exit_code == 0
    with_ = CliRunner().invoke(app, command)

    assert without.output.startswith(start)
    assert without.exit_code == with_.exit_code == 0
    assert len(with_.output) > len(without.output)
    wrong_name = CliRunner().invoke(app, ["graph", "promotor", "-p", str(LIBRARY)])
    assert wrong_name.exit_code != 0
