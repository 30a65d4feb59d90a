"""Types of a programme's own that undo rewards: they reach whom they name, or it is said."""

from functools import cache
from typing import Any

import pytest

from events.catalogue import default_catalogue
from tests.replay import Replay
from tests.treasury import ANNA, START, TREASURY, WIN, Book
from tests.unit.broken.sound import PROGRAMME, SOUND
from workflows.check.findings import Finding
from workflows.check.programme import check
from workflows.compiled import Programme
from workflows.compiling import compile_programme
from workflows.folder import Folder
from workflows.load import load_folder, load_programme
from workflows.policies_rewards import ReverseOn

FAULT = """\
type: object
required: [report]
properties: {report: {type: string}, lead: {type: string}, referrer: {type: string}}
"""
OWN = {"fault.found": {"type": "object", "properties": {"report": {"type": "string"}}}}


@cache
def _programme() -> Programme:
    loaded = load_programme(load_folder(TREASURY))
    reverse = (*loaded.policies.rewards.reverse, ReverseOn(event=("fault.found",)))
    rewards = loaded.policies.rewards.model_copy(update={"reverse": reverse})
    return compile_programme(
        loaded.policies.model_copy(update={"rewards": rewards}),
        loaded.workflows,
        templates={(k.name, k.locale, k.kind): text for k, text in loaded.templates.items()},
        catalogue=default_catalogue().with_types(OWN),
    )


@pytest.fixture
def book() -> Book:
    """Give a book in which Anna has earned by a lead, and a fault undoes that."""
    book = Book()
    Replay.__init__(book, _programme(), START)
    book.recommend()
    book.deal("deal.won")
    assert book.balance() == {"pending": WIN}
    return book


@pytest.mark.parametrize("named", [{"referrer": "c-anna", "deal": "d-1"}, {"deal": "d-1"}])
def test_a_fault_undoes_the_rewards_of_whom_it_names(book: Book, named: dict[str, Any]) -> None:
    """Somebody else is its subject; it names who earned, or who earned is its subject."""
    book.say("fault.found", to="contact/c-pim" if "referrer" in named else ANNA, **named)

    assert book.balance() == {"reversed": WIN}


def test_a_fault_of_a_lead_reaches_both_sides(book: Book) -> None:
    """The lead that it names loses its benefit, and tells who recommended it; once."""
    fault = {"id": "f-1", "source": "qa", "type": "fault.found", "time": "2027-03-02T09:00:00Z",
             "account": "", "contact": "c-pim", "lead": "",
             "data": {"report": "r", "lead": "l-1"}}  # fmt: skip

    for name in ("c-pim", "c-anna"):
        book.event({**fault, "contact": name, "id": f"f-{name}"}, f"contact/{name}")

    assert book.balance() == {"reversed": WIN}
    sides = sorted(said["side"] for said in book.facts_named("reward.reversed"))
    assert sides == ["referee", "referrer"]


@pytest.mark.parametrize("to", ["contact/c-pim", "account/firm"])
def test_a_fault_that_names_nobody_says_so(book: Book, to: str) -> None:
    """Neither earner nor lead, and it names neither: the decision says that nothing came of it."""
    book.say("fault.found", to=to, report="r", deal="d-1")

    assert book.balance() == {"pending": WIN}
    assert book.looked[-1] == {
        "idle": "fault.found", "reason": "nothing_to_take_back", "field": "data",
    }  # fmt: skip


def _found(more: str, schema: str = FAULT) -> list[Finding]:
    files = {**SOUND, "programme.yaml": PROGRAMME + more, "events/fault.found.yaml": schema}
    return check(load_programme(Folder(files)))


def test_a_type_that_can_take_nothing_back_is_found_at_load() -> None:
    """It names nothing that a reward is earned by: a warning at the type's place."""
    reverse = "rewards:\n  reverse: [deal.lost, fault.found]\n"
    nothing = "type: object\nproperties: {report: {type: string}}\n"

    (finding,) = _found(reverse, nothing)

    assert (finding.code, finding.severity) == ("V076", "warning")
    assert "fault.found names nothing by which rewards are earned" in finding.message
    assert "lead" in finding.help
    assert _found(reverse) == []
