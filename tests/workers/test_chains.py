"""Chains of facts of one instant that go by the outbox and back: they end."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from store.dialect import table_of
from store.listings import work
from store.tables import DeadRow
from workers.trial import Trial
from workflows.load import load_folder, load_programme
from workflows.state import iso
from workflows.turn import CHAIN_MAX

START = datetime(2027, 2, 1, 9, tzinfo=UTC)
PROGRAMME = """
programme: chains
zone: Europe/Amsterdam
locales: [en]
channels: [email]
classes:
  tips:  {consent: tips}
"""
FIRST = """workflow: first
trigger: {event: favour.granted}
steps: [{send: {template: tip, class: tips}}]
"""
AGAIN = """workflow: again
trigger: {{event: message.skipped}}
steps: [{steps}]
"""
SEND = "{send: {template: tip, class: tips}}"


def _trial(folder: Path, *steps: str) -> Trial:
    programme, at = folder / "programme", "templates/tip/en.md"
    for name, text in {
        "programme.yaml": PROGRAMME, "workflows/first.yaml": FIRST, at: "# Hello\n\nA tip.\n",
        "workflows/again.yaml": AGAIN.format(steps=", ".join(steps)),
    }.items():  # fmt: skip
        (programme / name).parent.mkdir(parents=True, exist_ok=True)
        (programme / name).write_text(text)
    trial = Trial(folder, START)
    trial.apply(load_programme(load_folder(programme)))
    return trial


def _favour(trial: Trial) -> None:
    trial.publish([{
        "specversion": "1.0", "id": "e-1", "source": "test", "type": "favour.granted",
        "time": iso(START), "subject": "contact/c-1", "data": {},
    }])  # fmt: skip


def test_a_workflow_that_answers_its_own_skips_ends_in_a_dead_letter(tmp_path: Path) -> None:
    """Nobody said yes, so every tip is skipped, which starts the workflow that sends it."""
    trial = _trial(tmp_path, SEND)
    _favour(trial)

    with trial.store.reader() as conn:
        runs = [row for row in work.runs(conn) if row["workflow"] == "again"]
        [dead] = conn.execute(sa.select(table_of(DeadRow))).mappings()
    assert len(runs) == CHAIN_MAX + 1
    assert dead["error"].startswith("ChainError")
    trial.close()


def test_what_waits_in_between_is_no_chain(tmp_path: Path) -> None:
    """A tip an hour is a matter of taste, not of an instant: it goes on."""
    trial = _trial(tmp_path, "{wait: {for: 1h}}", SEND)
    _favour(trial)
    trial.advance(START + timedelta(days=2))

    with trial.store.reader() as conn:
        runs = [row for row in work.runs(conn) if row["workflow"] == "again"]
        dead = conn.scalar(sa.select(sa.func.count()).select_from(table_of(DeadRow)))
    assert (len(runs), dead) == (49, 0)
    trial.close()
