"""A zone that is no name of one: the programme's is taken, and the timeline says so."""

from datetime import UTC, datetime
from pathlib import Path

from store import contacts
from workers.scenarios.seen import look
from workers.trial import Trial
from workflows.load import load_folder, load_programme
from workflows.state import iso

CLOCK = Path(__file__).parents[1] / "scenarios" / "programmes" / "clock"
NOON = datetime(2027, 6, 9, 10, tzinfo=UTC)


def test_a_wrong_zone_is_told_once_a_message(tmp_path: Path) -> None:
    """Of two contacts, one without a zone and one with a wrong one, the second leaves the fact."""
    trial = Trial(tmp_path, NOON)
    trial.apply(load_programme(load_folder(CLOCK)))
    people = {"c-a": "", "c-b": "Mars/Olympus"}
    with trial.store.transaction() as conn:
        contacts.seed(conn, {
            f"contact/{name}": {"id": name, "name": name, "phone": "+316", "zone": zone}
            for name, zone in people.items()
        })  # fmt: skip
    trial.publish([
        {"specversion": "1.0", "id": name, "source": "t", "type": "problem.solved",
         "subject": f"contact/{name}", "time": iso(NOON), "data": {}}
        for name in people
    ])  # fmt: skip
    seen = look(trial.store)
    trial.close()

    assert {fact["contact"] for fact in seen.of("message.sent")} == {"c-a", "c-b"}
    assert [fact["contact"] for fact in seen.of("contact.zone_fallback")] == ["c-b"]
