"""The commands that change a programme: plan, apply with a mapping, roll back, diff."""

from pathlib import Path

import pytest

from tests.workers.changing import RENAMED, SLOW, folder, programme
from tests.workers.conftest import Ready
from tests.workers.shell import Shell, event
from workers.mapping import MappingError, read_mapping

# -- the file that says where to -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tuor: {}", "no workflow 'tuor'"),
        ("tour: {hear: lisen}", "tour has no step 'lisen'"),
        ("tour: {hear: {entre: listen}}", "{enter: NAME}"),
        ("tour: [hear]", "from the old step to the new one"),
        ("- tour", "by workflow"),
        ("tour: {hear: ", "map.yaml:1:"),
    ],
)
def test_a_wrong_mapping_names_its_place(text: str, said: str, tmp_path: Path) -> None:
    """File, line and column, and what would be right."""
    path = tmp_path / "map.yaml"
    path.write_text(text)

    with pytest.raises(MappingError, match=r"map.yaml:\d+:\d+: ") as raised:
        read_mapping(path, programme(tour=RENAMED).workflows)
    assert said in str(raised.value)


# -- the commands --------------------------------------------------------------------------------


@pytest.fixture
def shell(ready: Ready) -> Shell:
    """Give a folder with the programme applied, and a run under way in `rest`."""
    return ready(_before)


def _before(shell: Shell) -> None:
    folder(shell.folder / "tour", tour=SLOW)
    for words in (["migrate"], ["apply", "tour"]):
        assert shell(*words).code == 0
    lines = [event(1, "contact.updated", email="anna@x.example"),
             event(2, "project.delivered", project_id="p", value_eur=1)]  # fmt: skip
    shell("publish", "-", given="\n".join(lines))
    shell.work()


BEAR = SLOW.replace("id: rest", "id: relax").replace("id: hear", "id: listen")


def test_plan_says_what_would_become_of_runs(shell: Shell, tmp_path: Path) -> None:
    """What differs, who is under way in it, what a mapping has to say; and nothing is done."""
    folder(tmp_path / "tour", tour=BEAR)

    said = shell("plan", "tour")

    assert said.code == 0, said.err
    assert "1 workflow changed" in said.out
    assert "~ workflow tour" in said.out
    assert "needs a mapping: the step is not there any more" in said.out
    told = shell("plan", "tour", "--format", "json").json()
    assert told["flights"][0]["count"] == 1
    assert len(shell("apply", "--history", "--format", "json").json()) == 1


def test_plan_says_that_a_removed_workflow_lets_its_runs_end(shell: Shell, tmp_path: Path) -> None:
    """They keep their version; the command that ends them is there to be copied."""
    (tmp_path / "tour" / "workflows" / "tour.yaml").unlink()

    said = shell("plan", "tour").out

    assert "- workflow tour" in said
    assert "vouch runs cancel --workflow tour" in said
    applied = shell("apply", "tour").out
    assert "1 workflow removed" in applied
    assert "1 run of tour, in 'rest': its workflow goes: they end by themselves" in applied
    assert "is what is applied already" in shell("apply", "tour").out


@pytest.mark.parametrize("command", ["plan", "diff"])
def test_findings_are_told_in_the_format_that_was_asked_for(
    shell: Shell, tmp_path: Path, command: str
) -> None:
    """A programme with errors ends the command; a machine that reads JSON is given JSON."""
    folder(tmp_path / "tour", tour=SLOW.replace("project.delivered", "project.delivred"))

    said = shell(command, "tour", "--format", "json")

    assert said.code == 1
    assert [each["line"] for each in said.json()["findings"] if each["severity"] == "error"]
    assert "nothing was applied" in said.err


def test_apply_refuses_a_mapping_that_leaves_runs_unclear(shell: Shell, tmp_path: Path) -> None:
    """What is missing is named, and nothing is applied."""
    folder(tmp_path / "tour", tour=BEAR)
    (tmp_path / "map.yaml").write_text("tour: {hear: listen}\n")

    said = shell("apply", "tour", "--migrate", "map.yaml")

    assert said.code == 1
    assert "1 run in 'rest', which is not there any more" in said.out
    assert len(shell("apply", "--history", "--format", "json").json()) == 1


def test_apply_migrates_and_rollback_goes_back(shell: Shell, tmp_path: Path) -> None:
    """There, with the runs; back, with them or without; and history tells it all."""
    folder(tmp_path / "tour", tour=BEAR)
    (tmp_path / "map.yaml").write_text("tour: {hear: listen, rest: relax}\n")

    said = shell("apply", "tour", "--migrate", "map.yaml")
    shell.work()

    assert said.code == 0, said.err
    assert "tour: 1 run told to go over" in said.out
    (run,) = shell("runs", "list", "--format", "json").json()
    assert run["step"] == "relax"

    (tmp_path / "back.yaml").write_text("tour: {listen: hear, relax: rest}\n")
    assert shell("rollback", "--dry-run").code == 0
    assert len(shell("apply", "--history", "--format", "json").json()) == 2
    assert shell("rollback", "--migrate", "back.yaml").code == 0
    shell.work()

    (again,) = shell("runs", "list", "--format", "json").json()
    assert again["step"] == "rest"
    told = shell("apply", "--history", "--format", "json").json()
    assert [row["what"] for row in told] == [
        "1 workflow changed", "1 workflow changed", "the first",
    ]  # fmt: skip
    assert told[0]["hash"] == told[2]["hash"]
    assert all(row["by"] for row in told)
    assert "migrated tour to version" in shell("explain", "c-anna").out


def test_diff_shows_what_differs(shell: Shell, tmp_path: Path) -> None:
    """Against what is applied, or between versions by number or hash."""
    assert shell("diff", "tour").out == "nothing differs\n"
    folder(tmp_path / "tour", tour=BEAR)

    said = shell("diff", "tour").out
    assert "-- id: hear" in said
    assert "+- id: listen" in said

    shell("apply", "tour")
    assert shell("diff", "--from", "1", "--to", "2").out == said
    assert "no applied versions begin with 'zz'" in shell("diff", "--from", "zz").err
