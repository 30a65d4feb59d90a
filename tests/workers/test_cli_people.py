"""What is done with whole people at the command line: import, export, merge, erase."""

from pathlib import Path
from typing import Any

import pytest

from tests.workers.conftest import Ready
from tests.workers.shell import Shell, event, shipped
from workers import importing

ANNA = {"name": "Anna", "email": "anna@x.example", "owner": "u-sam", "locale": "en"}
HEADING = "id,email,first_name,owner,segments,partner,consent,consent_at"


@pytest.fixture
def shell(ready: Ready) -> Shell:
    """Give a folder in which Anna is known, and Bram, who unsubscribed."""
    return ready(shipped, _before)


def _before(shell: Shell) -> None:
    lines = [
        event(1, "contact.updated", **ANNA),
        event(2, "contact.updated", subject="contact/c-bram", email="bram@x.example"),
        event(
            3, "contact.unsubscribed", subject="contact/c-bram", topic="programme", channel="email"
        ),
        event(4, "nps.answered", response="r", score=9, comment="You know me"),
    ]
    assert shell("publish", "-", given="\n".join(lines)).code == 0
    shell.work()


def _import(shell: Shell, *lines: str, dry_run: bool = False, code: int = 0) -> list[Any]:
    Path("people.csv").write_text("\n".join((HEADING, *lines)) + "\n", encoding="utf-8")
    words = ["contacts", "import", "people.csv", "--format", "json"]
    said = shell(*words, *(["--dry-run"] if dry_run else []))
    assert said.code == code, said.err
    shell.work()
    rows: list[Any] = said.json()["rows"]
    return rows


def _contact(shell: Shell, contact: str) -> Any:
    return shell("contacts", "show", contact, "--format", "json").json()


LINES = (
    "c-anna,anna@x.example,Anne,u-sam,key;north,yes,yes,2026-11-01",
    ",BRAM@x.example,Bram,,,,yes,2020-01-01",
    "c-new,new@x.example,Nadia,,,,,",
    "c-none,,,,,,yes,",
    "c-odd,odd@x.example,,,,perhaps,,",
    "c-anna,anna@x.example,,u-sam,,,,",
)


@pytest.mark.parametrize("dry_run", [True, False])
def test_an_import_says_of_each_row_what_becomes_of_it(dry_run: bool, shell: Shell) -> None:  # noqa: FBT001
    """New, updated, unchanged, refused; a yes older than a no is kept back, with the no's date."""
    rows = _import(shell, *LINES, dry_run=dry_run, code=1)

    assert [row["status"] for row in rows] == [
        *("updated", "updated", "new", "refused", "refused", "unchanged"),
    ]
    assert rows[0]["fields"] == ["first_name", "partner", "segments"]
    assert rows[0]["consent"] == "granted"
    assert (rows[1]["contact"], rows[1]["consent"][:19]) == ("c-bram", "kept: unsubscribed ")
    assert "consent_at" in rows[3]["reason"]
    assert "partner" in rows[4]["reason"]
    known = shell("contacts", "show", "c-new", "--format", "json").code == 0
    assert known is not dry_run
    if not dry_run:
        anna = _contact(shell, "c-anna")
        assert anna["contact"]["segments"] == ["key", "north"]
        assert anna["contact"]["partner"] is True
        said = {(c["topic"], c["granted"]) for c in _contact(shell, "c-bram")["consents"]}
        assert said == {("programme", False)}


def test_an_import_never_turns_a_no_into_a_yes(shell: Shell) -> None:
    """Not even with a newer date: only the person does, by opting in anew."""
    (row,) = _import(shell, "c-bram,bram@x.example,,,,,yes,2025-06-01")

    assert row["consent"].startswith("kept: unsubscribed")
    assert [c["granted"] for c in _contact(shell, "c-bram")["consents"]] == [False]
    (row,) = _import(shell, "c-x,x@x.example,,,,,yes,2199-01-01", code=1)
    assert "future" in row["reason"]


def test_an_import_may_be_repeated(shell: Shell) -> None:
    """The same file again changes nothing and says so."""
    _import(shell, LINES[2])
    (row,) = _import(shell, LINES[2])
    assert row["status"] == "unchanged"


@pytest.mark.parametrize(("text", "says"), [
    ("nmae,email\nA,a@x.example\n", "unknown column"),
    ("name,owner\nA,u-sam\n", "who a row is"),
    ("", "is empty"),
    ('id,email\nc-1,a@x.example\nc-2,"b@x.example\nc-3,c@x.example\n', "begins in line 3"),
    ("PK\x03\x04\x14", "a workbook of a spreadsheet"),
])  # fmt: skip
def test_a_file_that_cannot_be_read_changes_nothing(text: str, says: str, shell: Shell) -> None:
    """Its heading is wrong: one line and a hint, exit 2 or 1, no traceback."""
    Path("bad.csv").write_text(text, encoding="utf-8")
    said = shell("contacts", "import", "bad.csv")
    assert said.code in (1, 2)
    assert says in said.err
    assert "Traceback" not in said.err


def test_the_same_file_says_again_what_somebody_changed_since(shell: Shell) -> None:
    """What is reported as updated is updated, and once more changes nothing."""
    _import(shell, LINES[2])
    _import(shell, "c-new,,N,,,,,")

    (again,) = _import(shell, LINES[2])
    (once_more,) = _import(shell, LINES[2])

    assert [again["status"], once_more["status"]] == ["updated", "unchanged"]
    assert _contact(shell, "c-new")["contact"]["first_name"] == "Nadia"


def test_a_dry_run_refuses_what_the_import_would_refuse(shell: Shell) -> None:
    """Addresses, ids and characters that intake does not take, and words on unknown consent."""
    text = (
        "id,email,first_name,consent,consent_at,topic,channel\n"
        "c-1,a@x.example;b@x.example,A,,,,\n"
        f"{'c' * 300},c@x.example,C,,,,\n"
        "c-2,d@x.example,D\x00,,,,\n"
        "c-3,e@@x.example,E,,,,\n"
        "c-4,f@x.example,F,no,2026-06-01,programm,email\n"
        "c-5,g@x.example,G,no,2026-06-01,programme,mail\n"
        "c-6,h@x.example,H,no,01-06-2026,programme,email\n"
    )
    Path("people.csv").write_text(text, encoding="utf-8")

    words = ["contacts", "import", "people.csv", "--format", "json"]
    dry, done = (shell(*words, *more).json()["rows"] for more in (["--dry-run"], []))

    assert dry == done
    assert [row["status"] for row in done] == ["refused"] * 7
    assert [row["reason"] for row in done[4:]] == [
        "topic: unknown 'programm'; did you mean \"programme\"?",
        "channel: unknown 'mail'; did you mean \"email\"?",
        "consent_at: '01-06-2026' is no date: write it as 2026-11-01, or as 2026-11-01T10:00:00Z",
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_is_read_as_spreadsheets_save_it(separator: str, shell: Shell) -> None:
    """Commas, semicolons or tabs, a mark of the byte order, ends of lines of any kind."""
    text = "id,email,name\r\nc-1,a@x.example,Jörg\r\n".replace(",", separator)
    Path("table.csv").write_bytes(text.encode("utf-8-sig"))

    said = shell("contacts", "import", "table.csv", "--dry-run")

    assert (said.code, said.out) == (0, "would be: 1 new\n")


def test_rows_are_committed_in_chunks(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than one transaction takes are all taken."""
    monkeypatch.setattr(importing, "CHUNK", 3)
    rows = _import(shell, *(f"c-{n},n{n}@x.example,N,,,,," for n in range(7)))
    assert [row["status"] for row in rows] == ["new"] * 7
    assert _contact(shell, "c-6")["contact"]["first_name"] == "N"


def test_an_import_that_must_wait_says_how_far_it_came(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same file goes on where it stopped, and nothing is taken in twice."""
    monkeypatch.setattr(importing, "CHUNK", 3)
    shell.env["VOUCH_INBOX_MAX"] = "3"
    lines = [f"c-{n},n{n}@x.example,N,,,,," for n in range(7)]
    (shell.folder / "people.csv").write_text("\n".join([HEADING, *lines]) + "\n")

    hints = []
    while (said := shell("contacts", "import", "people.csv")).code:
        hints.append(said.err)
        shell.work()

    assert [line for each in hints for line in ("5", "8") if f"before {line} are in" in each] == [
        "5", "8",
    ]  # fmt: skip
    assert said.out == "1 new, 6 unchanged\n"
    assert len(shell("contacts", "list", "--format", "json").json()) >= 6


def test_an_export_has_all_of_a_person(shell: Shell) -> None:
    """Fields, words, consent with its history, runs, tasks, messages; of merged records too."""
    shell("contacts", "merge", "c-bram", "c-anna")
    shell.work()
    assert shell("contacts", "export", "c-bram", "-o", "anna.json").code == 0
    found = shell("contacts", "export", "c-anna").json()

    assert found["contact"]["aliases"] == ["c-bram"]
    assert "You know me" in str(found["events"])
    assert [row["what"] for row in found["consent_history"]] == ["contact.unsubscribed"]
    assert {row["workflow"] for row in found["runs"]} >= {"promoter"}
    assert found["messages"]
    assert found["tasks"]
    assert Path("anna.json").read_text(encoding="utf-8").startswith("{")
    assert shell("contacts", "export", "c-nobody").code != 0
    told = shell("explain", "c-anna", "--format", "json").json()["timeline"]
    assert {row.get("contact") for row in told} >= {"c-anna", "c-bram"}
    assert "contact.unsubscribed" in shell("contacts", "show", "c-anna").out


def test_a_merge_can_be_looked_at_first(shell: Shell) -> None:
    """A dry run says what would move and changes nothing; the same record is refused."""
    assert "open tasks" in shell("contacts", "merge", "c-anna", "c-bram", "--dry-run").out
    shell.work()
    assert "merged_into" not in _contact(shell, "c-anna")["contact"]
    assert shell("contacts", "merge", "c-anna", "c-bram", "--by", "u-pim").code == 0
    shell.work()
    assert _contact(shell, "c-bram")["contact"]["aliases"] == ["c-anna"]
    assert shell("contacts", "merge", "c-anna", "c-bram").code != 0


def test_erasing_needs_a_yes(shell: Shell) -> None:
    """Without --yes nothing is lost; with it the name is gone.

    Neither an import nor a merge revives it, or takes another record along.
    """
    assert shell("contacts", "erase", "c-anna").code != 0
    shell.work()
    assert _contact(shell, "c-anna")["contact"]["name"] == "Anna"
    assert shell("contacts", "erase", "c-anna", "--yes").code == 0
    shell.work()
    contact = _contact(shell, "c-anna")["contact"]
    assert "email" not in contact
    assert "Anna" not in str(contact)
    for words in (["c-anna", "c-bram"], ["c-bram", "c-anna"]):
        assert "was erased on" in shell("contacts", "merge", *words).err
    shell.work()
    assert _contact(shell, "c-bram")["contact"]["email"] == "bram@x.example"
    (row,) = _import(shell, "c-anna,anna@x.example,Anna,,,,yes,2026-11-01", code=1)
    assert (row["status"], row["reason"]) == ("refused", "erased")
    assert shell("contacts", "erase", "c-anna", "--yes").code != 0


def test_a_row_is_who_it_is_and_says_what_is_kept(shell: Shell) -> None:
    """Two rows of one person make one contact; an older no keeps a newer yes, and says so.

    A line separator of Unicode ends no row, and what is no address is refused with its row.
    """
    made = _import(
        shell,
        "c-1,new@x.example,Nina,,,,yes,2026-06-01",
        ",New@X.example,,u-sam,,,,",
        'c-2,,"Ni\u2028na",,,,,',
        "c-3,not an address,,,,,,",
        code=1,
    )
    kept = _import(shell, "c-1,,,,,,no,2026-05-31", "c-bram,,,,,,no,2026-06-02")

    said = [(row["line"], row["contact"], row["status"]) for row in made]
    assert said[:3] == [(2, "c-1", "new"), (3, "c-1", "updated"), (4, "c-2", "new")]
    assert (said[3][2], made[3]["reason"]) == ("refused", "email: this is no address")
    assert [row["consent"] for row in kept] == ["kept: granted 2026-06-01", ""]
    anna = _contact(shell, "c-1")
    assert anna["contact"]["first_name"] == "Nina"
    assert [word["granted"] for word in anna["consents"]] == [True]
