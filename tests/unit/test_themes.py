"""Themes: found in what people write, counted by different contacts, resolved for each of them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from events.catalogue import default_catalogue
from tests.office import HEAD
from tests.replay import Replay
from workflows.check.findings import errors_of
from workflows.check.programme import check
from workflows.compiled import Programme
from workflows.compiling import compile_programme
from workflows.domain import themes as rules
from workflows.folder import Folder
from workflows.load import load_programme
from workflows.policies import Themes
from workflows.state import iso
from workflows.themes import WordFinder

START = datetime(2027, 1, 4, 9, tzinfo=UTC)
DAY = timedelta(days=1)
THEMES = """\
themes:
  words:
    slow: [slow, too late]
    dear: [dear, costs]
  recurring: {min: 2, within: 10d, cooldown: 5d}
"""
PROGRAMME = f"{HEAD}{THEMES}"
FIX = """\
workflow: fix
trigger: {event: theme.recurring}
run: {per: theme}
steps:
  - task:
      to: pim
      title: "Fix {{ trigger.data.theme }} for {{ trigger.data.contacts | length }}"
      due: 1bd
      done_by: improvement.announced
    id: fix
"""
TELL = """\
workflow: tell
trigger: {event: theme.resolved}
run: {per: theme, again: ignore}
steps:
  - send: {template: told, class: plain}
"""
FILES = {
    "programme.yaml": PROGRAMME,
    "workflows/fix.yaml": FIX,
    "workflows/tell.yaml": TELL,
    "templates/told/en.md": "---\nsubject: Done\n---\n{{ trigger.data.text }}\n",
}


def _compiled(programme: str = PROGRAMME, **more: Any) -> Programme:
    loaded = load_programme(Folder({**FILES, "programme.yaml": programme}))
    return compile_programme(
        loaded.policies, loaded.workflows, catalogue=default_catalogue(),
        templates={(k.name, k.locale, k.kind): text for k, text in loaded.templates.items()},
        **more,
    )  # fmt: skip


class World:
    """Contacts that answer surveys, in whatever order it arrives."""

    def __init__(self, programme: Programme | None = None) -> None:
        self.replay = Replay(programme or _compiled(), START)
        self.number = 0

    def says(self, contact: str, text: str, days: float, *, response: str = "") -> None:
        """Have somebody answer so many days after the start; it arrives now."""
        self.number += 1
        self.replay.event({
            "id": f"e-{self.number}", "source": "t", "type": "nps.answered",
            "time": iso(START + days * DAY), "contact": contact,
            "person": {"email": f"{contact}@x.example"},
            "data": {"response": response or f"r-{self.number}", "score": 7, "improve": text,
                     "revision": self.number},
        })  # fmt: skip

    def announces(self, theme: str, days: float, text: str = "done") -> None:
        """Announce an improvement."""
        self.number += 1
        event = {
            "id": f"e-{self.number}", "source": "t", "type": "improvement.announced",
            "time": iso(START + days * DAY), "contact": "", "data": {"theme": theme, "text": text},
        }  # fmt: skip
        self.replay.event(event, f"theme/{theme}")

    def facts(self, kind: str) -> list[dict[str, Any]]:
        return [fact.get("data", {}) for fact in self.replay.facts if fact["fact"] == kind]

    @property
    def told(self) -> list[str]:
        self.replay.advance(START + 40 * DAY)
        return sorted(m.to for m, _ in self.replay.sent.values() if m.template == "told")


# -- finding --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ik moest te lang wachten", ["wait"]),
        ("TE\n LANG", ["wait"]),
        ("de Wartezeit.", ["wait"]),
        ("WARTEZEIT!", ["wait"]),
        ("ik verwachtte meer", []),  # a longer word is another word
        ("wachten-kosten", ["wait", "cost"]),
        ("kostenlos", []),
        ("Große Gebühr", ["fee"]),
        ("GROSSE GEBÜHR", ["fee"]),  # ß in capitals, and an umlaut put together from two characters
        ("te, lang", []),
        ("c++ is best", ["cpp"]),
        ("", []),
        ("lang te", []),
    ],
)
def test_words_and_phrases_are_found_whole(text: str, found: list[str]) -> None:
    """Case, white space and how an umlaut is written do not matter; parts of words are none."""
    finder = WordFinder(Themes(words={
        "wait": ("wachten", "te lang", "Wartezeit"), "cost": ("kosten",),
        "fee": ("große gebühr",), "cpp": ("c++",), "nothing": (),
    }))  # fmt: skip

    assert finder.find(text, "nl") == found


def test_something_better_can_stand_in_the_place_of_words() -> None:
    """Whatever has `find` is asked, with the text and the contact's locale."""
    asked: list[tuple[str, str]] = []

    class Oracle:
        def find(self, text: str, locale: str) -> Iterable[str]:
            asked.append((text, locale))
            return ("mood",)

    world = World(_compiled(finder=lambda _: Oracle()))
    world.says("c-a", "Hm.", 0)
    world.says("c-b", "Hm!", 1)

    assert asked == [("Hm.", "en"), ("Hm!", "en")]
    assert world.facts("theme.recurring") == [{"theme": "mood", "contacts": ["c-a", "c-b"]}]


# -- counting -------------------------------------------------------------------------------------


def test_different_contacts_make_it_recur() -> None:
    """One contact mentioning it ten times is one; the second makes it ours, once."""
    world = World()
    for day in range(4):
        world.says("c-a", "so slow", day)
    assert world.facts("theme.recurring") == []
    world.says("c-b", "dear, and slow", 4)

    assert world.facts("theme.recurring") == [{"theme": "slow", "contacts": ["c-a", "c-b"]}]
    (task,) = world.replay.tasks.values()
    assert task.title == "Fix slow for 2"
    assert task.assignee == "u-pim"


def test_a_window_is_half_open() -> None:
    """Exactly `within` earlier no longer counts; a second less does."""
    at_the_edge, inside = World(), World()
    for world, day in ((at_the_edge, 10), (inside, 10 - 1 / 86_400)):
        world.says("c-a", "slow", 0)
        world.says("c-b", "slow", day)

    assert at_the_edge.facts("theme.recurring") == []
    assert len(inside.facts("theme.recurring")) == 1


def test_the_same_words_in_any_order_of_arrival_recur() -> None:
    """When it happened counts, not when it arrived: a late answer fills the window of another."""
    world = World()
    world.says("c-b", "slow", 8)
    world.says("c-c", "slow", 30)
    world.says("c-a", "slow", 3)  # arrives last, and makes two within ten days

    assert world.facts("theme.recurring") == [{"theme": "slow", "contacts": ["c-a", "c-b"]}]
    (run,) = [r for r in world.replay.runs.values() if r.workflow == "fix"]
    assert run.doc["trigger"]["time"] == iso(START + 8 * DAY)


def test_the_alarm_is_due_from_the_mention_that_made_them_enough() -> None:
    """In whatever order it arrives, and whatever cools down since: one alarm, of one instant."""
    said = [("c-a", 1.0), ("c-b", 3.0), ("c-c", 4.0), ("c-d", 8.5)]

    for order in permutations(said):
        world = World()
        for contact, days in order:
            world.says(contact, "slow", days)

        (task,) = world.replay.tasks.values()
        assert task.due_at == START + 4 * DAY, order  # a business day after the third: Friday
        assert world.replay.timers[f"{task.key}/due"].due_at == task.due_at
        alarms = world.replay.states["theme/slow"].doc["alarms"]
        assert alarms == [iso(START + days * DAY) for days in (3.0, 8.5)], order


def test_what_a_task_counts_from_its_due_moves_with_it() -> None:
    """Levels and the limit of the step count from the earlier instant too; closed ones stay."""
    fix = FIX.replace("due: 1bd", "due: 1d\n      within: 3d\n      levels: [{after: 1h, to: pim}]")
    loaded = load_programme(Folder({**FILES, "workflows/fix.yaml": fix}))
    programme = compile_programme(
        loaded.policies, loaded.workflows, catalogue=default_catalogue(), templates={}
    )
    world = World(programme)
    for contact, days in (("c-a", 1.0), ("c-b", 4.0), ("c-c", 2.0)):
        world.says(contact, "slow", days)

    due = {timer.name: (timer.due_at - START) / DAY for timer in world.replay.timers.values()}
    assert due == {"fix/due": 3.0, "fix/level1": 3.0 + 1 / 24, "fix": 5.0}


def test_the_cooldown_is_kept_and_the_evidence_is_current() -> None:
    """Within it nobody is alarmed anew, and whoever says it stands on the same task."""
    world = World()
    for number, day in enumerate((0, 1, 2, 5.9)):
        world.says(f"c-{number}", "slow", day)
    assert len(world.facts("theme.recurring")) == 1
    (task,) = world.replay.tasks.values()
    assert task.doc["evidence"] == ["c-0", "c-1", "c-2", "c-3"]
    world.says("c-4", "slow", 6)  # five days after the first time

    again = world.facts("theme.recurring")[1]
    assert again["contacts"] == ["c-0", "c-1", "c-2", "c-3", "c-4"]
    assert len(world.replay.tasks) == 1  # `again: ignore`, while the task is open
    assert task.doc["evidence"][-1] == "c-4"


def test_a_corrected_answer_is_no_second_mention() -> None:
    """The same response says it once; a theme that only the correction names is a mention."""
    world = World()
    world.says("c-a", "slow", 0, response="r")
    world.says("c-a", "slow and dear", 1, response="r")

    assert [each["theme"] for each in world.facts("theme.mentioned")] == ["slow", "dear"]


# -- resolving ------------------------------------------------------------------------------------


def test_everybody_who_mentioned_it_is_told_once() -> None:
    """An announcement reaches each of them and closes the task; the next, who came since."""
    world = World()
    for name in ("c-a", "c-b", "c-a"):
        world.says(name, "slow", 0)
    world.says("c-d", "dear", 0)
    world.announces("slow", 2, "a second line")
    assert world.told == ["contact/c-a", "contact/c-b"]
    assert [task.status for task in world.replay.tasks.values()] == ["done"]

    world.says("c-e", "still slow", 3)
    world.announces("slow", 4)
    assert world.told == ["contact/c-a", "contact/c-b", "contact/c-e"]


def test_who_said_it_before_and_is_heard_after_is_told_too() -> None:
    """A late answer from before the announcement gets the news, counts nowhere, and only once."""
    world = World()
    world.says("c-a", "slow", 0)
    world.announces("slow", 5)
    world.says("c-b", "slow", 4)
    world.says("c-b", "too late", 4.5)
    world.says("c-c", "slow", 6)

    assert world.told == ["contact/c-a", "contact/c-b"]
    assert world.facts("theme.recurring") == []
    world.announces("slow", 4.9)  # an older one, heard late, says nothing to who came later
    assert world.told == ["contact/c-a", "contact/c-b"]


def test_an_improvement_of_no_theme_is_refused() -> None:
    """A theme that nobody named and the programme does not have is said to be unknown."""
    world = World()
    world.announces("slwo", 1)

    (rejected,) = world.facts("event.rejected")
    assert (rejected["reason"], rejected["field"]) == ("unknown_theme", "data.theme")
    world.announces("dear", 1)  # nobody said so: fine, and nobody to tell
    assert len(world.facts("event.rejected")) == 1


def test_what_a_theme_and_a_contact_remember_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who mentioned it longest ago is forgotten first; so are the oldest answers and mentions."""
    monkeypatch.setattr(rules, "CONTACTS_MAX", 3)
    monkeypatch.setattr(rules, "RESPONSES_MAX", 2)
    monkeypatch.setattr(rules, "TIMES_MAX", 2)
    world = World(_compiled(PROGRAMME.replace("min: 2", "min: 99")))
    for day, name in enumerate(("c-a", "c-b", "c-a", "c-c", "c-a", "c-d")):
        world.says(name, "slow", day)

    mentions = world.replay.states["theme/slow"].doc["mentions"]
    assert set(mentions) == {"c-a", "c-c", "c-d"}
    assert mentions["c-a"] == [iso(START + 2 * DAY), iso(START + 4 * DAY)]
    assert len(world.replay.states["contact/c-a"].doc["themes"]["slow"]) == 2


def test_a_note_goes_on_the_task_of_an_open_case() -> None:
    """Who is being looked after is told by whoever looks after them: the text is on their task."""
    care = (
        "workflow: care\ntrigger: {event: problem.solved}\nsteps:\n"
        "  - task: {to: pim, title: Call, due: 1bd, case: true}\n"
    )
    loaded = load_programme(Folder({**FILES, "workflows/care.yaml": care}))
    programme = compile_programme(
        loaded.policies, loaded.workflows, templates={}, catalogue=default_catalogue()
    )
    world = World(programme)
    world.says("c-a", "slow", 0)
    world.replay.event({"id": "p", "source": "t", "type": "problem.solved", "time": iso(START),
                        "contact": "c-a", "data": {}})  # fmt: skip
    world.announces("slow", 1, "a second line")

    (task,) = world.replay.tasks.values()
    assert task.doc["notes"] == [{"at": iso(START + DAY), "theme": "slow", "text": "a second line"}]


# -- the check ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("within: 10d", "within: 10bd", "V030"),
        ("cooldown: 5d", "cooldown: 5", "V030"),
        ("min: 2", "min: 0", "V015"),
        ("slow: [slow, too late]", "slow: []", "V015"),
        ("slow: [slow, too late]", 'slow: [slow, " "]', "V013"),
        ("recurring: {min: 2, ", "recurring: {mn: 2, ", "V010"),
    ],
)
def test_what_is_wrong_in_themes_is_found(old: str, new: str, code: str) -> None:
    """Each mistake has its code."""
    files = {**FILES, "programme.yaml": PROGRAMME.replace(old, new)}
    sound = errors_of(check(load_programme(Folder(FILES))))
    found = errors_of(check(load_programme(Folder(files))))

    assert sound == []
    assert code in {each.code for each in found}
