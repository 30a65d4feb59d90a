"""Words that cannot be made: tried five times, set aside with their error, replayed (S11)."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from store import dead
from store.listings import work
from tests.workers.changing import folder
from workers.poison import WORDS_TRIES_MAX, Failures, PoisonError
from workers.trial import Trial
from workflows.load import load_folder, load_programme
from workflows.state import Input, iso
from workflows.words_types import WordsError

NOW = datetime(2027, 2, 11, 9, tzinfo=UTC)
SHARE = """
workflow: share
trigger: {event: project.delivered}
run: {per: project_id, again: once}
steps:
  - {id: call, task: {to: sales, title: "One in {{ 1000 // trigger.data.value_eur }}", due: 1d}}
"""


def _apply(trial: Trial, text: str) -> None:
    where = trial.folder / "share"
    folder(where, share=text)
    trial.apply(load_programme(load_folder(where)))


def _delivered(number: int, value: int) -> dict[str, object]:
    return {
        "specversion": "1.0", "id": f"e-{number}", "source": "test", "type": "project.delivered",
        "time": iso(NOW), "subject": "contact/c-anna",
        "data": {"project_id": f"p-{number}", "value_eur": value},
    }  # fmt: skip


def test_a_title_that_cannot_be_made_is_a_dead_letter_after_five_tries(tmp_path: Path) -> None:
    """Its error is there, what came later is handled, and mended it has its effects once."""
    trial = Trial(tmp_path, NOW)
    try:
        _apply(trial, SHARE)

        trial.publish([_delivered(1, 0), _delivered(2, 10)])

        with trial.store.reader() as conn:
            (letter,) = dead.listed(conn)
            (task,) = work.tasks(conn)
        assert letter["tries"] == WORDS_TRIES_MAX == 5
        assert "the title in share, step call" in letter["error"]
        assert task["title"] == "One in 100"

        _apply(trial, SHARE.replace("1000 //", "1000 *"))
        for expected in (1, 0):
            with trial.store.transaction() as conn:
                assert dead.replay(conn, dead.Filter(), now=NOW) == expected
            trial.settle()
        with trial.store.reader() as conn:
            assert {row["title"] for row in work.tasks(conn)} == {"One in 100", "One in 0"}
            assert len(work.tasks(conn)) == 2
            assert dead.listed(conn) == []
    finally:
        trial.close()


def test_words_mended_between_two_tries_leave_no_dead_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each try takes the newest programme."""
    trial = Trial(tmp_path, NOW)
    final = Failures.is_final

    def mends(failures: Failures, poison: PoisonError) -> bool:
        _apply(trial, SHARE.replace("1000 //", "1000 *"))
        return final(failures, poison)

    try:
        _apply(trial, SHARE)
        monkeypatch.setattr(Failures, "is_final", mends)

        trial.publish([_delivered(1, 0)])

        with trial.store.reader() as conn:
            assert dead.listed(conn) == []
            assert [row["title"] for row in work.tasks(conn)] == ["One in 0"]
    finally:
        trial.close()


def test_only_words_are_tried_again() -> None:
    """A defect is the same a second time; two inputs are counted apart."""
    failures = Failures()
    one, other = (Input("contact/c-1", NOW, seq) for seq in (1, 2))
    words = WordsError("no words", line=1)

    assert failures.is_final(PoisonError(one, RuntimeError()))
    assert not any(failures.is_final(PoisonError(one, words)) for _ in range(4))
    assert not failures.is_final(PoisonError(other, words))
    last = PoisonError(one, words)
    assert failures.is_final(last)
    assert last.item.tries == WORDS_TRIES_MAX
