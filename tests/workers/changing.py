"""A small programme that tests change while its runs are under way."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from store.listings import facts, work
from workers import running
from workers.trial import Trial
from workflows.check.findings import errors_of
from workflows.check.programme import check
from workflows.folder import Folder
from workflows.load import load_programme
from workflows.loaded import Loaded
from workflows.state import iso

START = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)

PROGRAMME = """
programme: tour
zone: UTC
locales: [en]
channels: [email]
slot: "10:00"
defer: 14d
calendars:
  office: {days: [mon, tue, wed, thu, fri], hours: ["09:00", "17:00"]}
fields:
  contact: {starts: string}
classes:
  plain: {}
  ask: {leaves: slot}
  reminder: {leaves: slot}
asks:
  ladder: [{kind: quote, done_by: quote.given}]
staff:
  u-sam: {name: Sam, email: sam@tour.example}
  u-lena: {name: Lena, email: lena@tour.example}
roles:
  sales: [u-sam]
unassigned: {after: 15m, to: sales}
"""

TOUR = """
workflow: tour
trigger: {event: project.delivered}
run: {per: project_id, again: once}
exit:
  - {event: nps.answered, if: event.data.score < 5, as: unhappy}
steps:
  - {id: rest, wait: 3d}
  - {id: hear, wait_for: {event: compliment.given, within: 5d}}
  - {id: thank, send: {template: thanks, class: plain}}
"""
SLOW = TOUR.replace("wait: 3d", "wait: 5y")  # for the clock on the wall
RENAMED = TOUR.replace("id: hear,", "id: listen,").replace("within: 5d", "within: 9d")

FLAGS = """
workflow: flags
trigger: {event: favour.granted}
steps:
  - {id: greet, send: {template: thanks, class: plain}}
  - {id: when, wait: {from: contact.starts}}
  - {id: thank, send: {template: thanks, class: plain}}
"""

QUOTE = """
workflow: quote
trigger: {event: product.upgraded}
steps:
  - id: ask
    ask:
      kind: quote
      template: please
      reminders: {every: 4d, send: [please]}
"""

WORDS = "---\nsubject: For you\n---\nThank you, {{ contact.name }}.\n"
PLEASE = f"{WORDS}\n[Gladly]({{{{ links.gladly }}}}) [Rather not now]({{{{ links.not_now }}}})\n"

FILES: Mapping[str, str] = {
    "programme.yaml": PROGRAMME,
    "workflows/tour.yaml": TOUR,
    "workflows/flags.yaml": FLAGS,
    "workflows/quote.yaml": QUOTE,
    **{
        f"templates/{name}/en.md": WORDS
        for name in ("thanks", "task_escalated", "task_reassigned", "task_unassigned")
    },
    "templates/please/en.md": PLEASE,
}


def programme(**changed: str | None) -> Loaded:
    """Return the programme, some workflows of it with other texts, or without them (None)."""
    files = dict(FILES)
    for name, text in changed.items():
        files.pop(f"workflows/{name}.yaml", None)
        if text is not None:
            files[f"workflows/{name}.yaml"] = text
    loaded = load_programme(Folder(files))
    assert not errors_of(check(loaded)), errors_of(check(loaded))
    return loaded


def folder(where: Path, **changed: str) -> Path:
    """Write the programme's files below a folder, some workflows with other texts."""
    for path, text in {**FILES, **{f"workflows/{n}.yaml": t for n, t in changed.items()}}.items():
        (where / path).parent.mkdir(parents=True, exist_ok=True)
        (where / path).write_text(text)
    return where


@contextmanager
def on_stage(folder: Path) -> Iterator["Stage"]:
    """Give a stage with the programme applied, and close it."""
    stage = Stage(folder, START)
    stage.apply(programme())
    yield stage
    stage.close()


class Stage(Trial):
    """A trial in which operators have their say."""

    def happens(self, kind: str, contact: str = "c-anna", **data: object) -> None:
        """Publish an event of a contact at this instant."""
        mark = f"{kind}/{contact}/{iso(self.clock.now())}/{sorted(data.items())}"
        self.publish([{
            "specversion": "1.0", "id": mark, "source": "test", "type": kind,
            "subject": f"contact/{contact}", "time": iso(self.clock.now()), "data": data,
        }])  # fmt: skip

    def knows(self, contact: str = "c-anna", **more: object) -> None:
        """Make a contact known."""
        self.happens("contact.updated", contact, email=f"{contact}@x.example", **more)

    def runs(self, **which: str) -> list[dict[str, Any]]:
        """Return runs as the list has them."""
        with self.store.reader() as conn:
            return work.runs(conn, **which)  # type: ignore[arg-type]

    def run(self, **which: str) -> dict[str, Any]:
        """Return the one run that there is, whole."""
        (row,) = self.runs(**which)
        with self.store.reader() as conn:
            found = work.run(conn, row["id"])
        assert found is not None
        return found

    def say(self, verb: str, **data: str) -> None:
        """Say something to every run to which it can be said."""
        rows = [row for row in self.runs() if row["status"] in running.VERBS[verb]]
        running.say_to_runs(self.app, verb, rows, by="u-sam", **data)
        self.settle()

    def mails(self) -> list[dict[str, Any]]:
        """Return the messages, planned first first."""
        with self.store.reader() as conn:
            return sorted(work.outbox(conn), key=lambda row: (row["planned_at"], row["key"]))

    def due(self) -> list[tuple[str, datetime]]:
        """Return the timers that are set."""
        with self.store.reader() as conn:
            return [(row["name"], row["due_at"]) for row in work.timers(conn)]

    def told(self, *kinds: str) -> list[dict[str, Any]]:
        """Return the facts of these kinds, in order."""
        with self.store.reader() as conn:
            return facts.facts(conn, types=kinds)
