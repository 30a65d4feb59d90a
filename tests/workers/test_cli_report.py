"""What `vouch report` prints: for people, for programs, for a spreadsheet."""

import csv

import pytest

from tests.workers.conftest import Ready
from tests.workers.shell import Shell, event, shipped


@pytest.fixture
def shell(ready: Ready) -> Shell:
    """Give a folder whose customers answered and gave something."""
    return ready(shipped, _before)


def _before(shell: Shell) -> None:
    told = [
        event(1, "optin.confirmed"),
        event(2, "quote.given", text="fine", may_publish=True),
        event(3, "nps.answered", response="r-1", score=9),
        event(4, "contact.updated", "contact/c-bram", name="Bram"),
    ]
    assert shell("publish", "-", given="\n".join(told)).code == 0
    shell.work()


def test_every_report_prints_in_every_form(shell: Shell) -> None:
    """Text for people, JSON with the span, CSV with one heading; all say the same."""
    for name in ("funnel", "nps", "sla", "rewards", "referrals", "contest"):
        text = shell("report", name)
        told = shell("report", name, "--format", "json").json()
        sheet = shell("report", name, "--format", "csv")
        assert text.code == sheet.code == 0
        assert text.out.startswith(f"{name}, from the beginning to ") or name == "nps"
        assert told["report"] == name
        rows = list(csv.DictReader(sheet.out.splitlines()))
        assert len(rows) == len(told["rows"])
        assert list(rows[0] if rows else told["columns"]) == told["columns"]


def test_the_funnel_stands_beside_its_benchmarks(shell: Shell) -> None:
    """One of two customers takes part and gave something; nobody introduced anybody."""
    rows = shell("report", "funnel", "--format", "json").json()["rows"]
    assert [(row["count"], row["of"], row["share"], row["benchmark"]) for row in rows] == [
        (1, 2, "50.0 %", "25 %"),
        (1, 1, "100.0 %", "10 %"),
        (0, 1, "0.0 %", "2 %"),
    ]
    for since in ("2020-01-01", "2020-01-01T10:00Z", "2020-01-01T10:00:00+01:00"):
        (row,) = shell("report", "nps", "--format", "json", "--since", since).json()["rows"]
        assert (row["score"], row["answers"], row["promoters"]) == ("too few answers", 1, 1)


def test_whom_nobody_took_up_is_no_lead(shell: Shell) -> None:
    """A lead known by a refused recommendation alone stands on neither side of a comparison."""
    told = [
        event(5, "contact.updated", "contact/c-anna", email="anna@acme.example"),
        event(6, "referral.submitted", "contact/c-anna", lead={"id": "l-1", "email": "b@b.nl"}),
        event(7, "referral.submitted", "contact/c-anna",
              lead={"id": "l-2", "email": "anna+x@acme.example"}),
    ]  # fmt: skip
    assert shell("publish", "-", given="\n".join(told)).code == 0
    shell.work()
    rows = shell("report", "referrals", "--format", "json").json()["rows"]
    (row,) = [row for row in rows if row["measure"] == "conversion of leads"]
    assert (row["count"], row["of"], row["benchmark"]) == (0, 1, "— (others)")


def test_a_span_that_ends_before_it_begins_is_refused(shell: Shell) -> None:
    """So is a form that does not exist, and a contest."""
    told = shell("report", "funnel", "--since", "2027-02-01", "--until", "2027-01-01")
    assert (told.code, "--since is not before --until" in told.err) == (2, True)
    assert shell("report", "funnel", "--format", "xml").code == 2
    assert shell("report", "contest", "spring").code != 0
    assert shell("report", "contest", "autumn27").code == 0
