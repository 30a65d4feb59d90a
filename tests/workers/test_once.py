"""A message that a person gets at most once, ever: also where two of them leave together."""

from datetime import UTC, datetime
from pathlib import Path

from store.listings import work
from tests.replay import LIBRARY
from workers.trial import Trial
from workflows.folder import Folder
from workflows.load import load_folder, load_programme
from workflows.state import iso

NOW = datetime(2027, 2, 11, 9, tzinfo=UTC)
WORDS = '---\nsubject: "Hello"\n---\nDear {{ contact.name }}.\n'


def test_two_of_the_same_in_one_claim_are_one(tmp_path: Path) -> None:
    """Two workflows that send the same words `once`, at the same instant, send them once."""
    files = {
        path: text
        for path, text in load_folder(LIBRARY).files.items()
        if not path.startswith(("workflows/", "scenarios/"))
    }
    for name in ("one", "two"):
        files[f"workflows/{name}.yaml"] = (
            f"workflow: {name}\ntrigger: {{event: favour.granted}}\n"
            "steps:\n  - send: {template: hello, class: transactional, once: true}\n"
        )
    trial = Trial(tmp_path, NOW)
    trial.apply(load_programme(Folder(files | {"templates/hello/nl.md": WORDS})))
    base = {"specversion": "1.0", "source": "t", "time": iso(NOW), "subject": "contact/c-anna"}

    trial.publish(
        [
            {**base, "id": "1", "type": "contact.updated", "data": {"email": "a@acme.example"}},
            {**base, "id": "2", "type": "favour.granted", "data": {}},
        ]
    )

    with trial.store.reader() as conn:
        found = sorted((row["status"], row["reason"]) for row in work.outbox(conn))
    trial.close()
    assert found == [("sent", ""), ("skipped", "already_sent")]
