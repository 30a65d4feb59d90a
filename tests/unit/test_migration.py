"""Where a run in the midst of a journey goes on: only where its stages are still there."""

from typing import Any

from workflows.definition import Workflow
from workflows.migration import Goes, Stays, place_in
from workflows.nodes import flatten


def _journey(*stages: str, reminders: int = 0) -> dict[str, Any]:
    """Return the nodes of a workflow with one journey of these stages."""
    told: list[dict[str, Any]] = [
        {"stage": name, "effort": 1, "template": name, "amount": 1} for name in stages
    ]
    for stage in told if reminders else ():
        stage["reminders"] = {"every": "3d", "send": ["again"] * reminders}
    step = {"id": "tour", "journey": {"class": "plain", "every": "7d", "within": "5d",
                                      "stages": told}}  # fmt: skip
    return dict(flatten(Workflow.model_validate(
        {"workflow": "w", "trigger": {"event": "optin.confirmed"}, "steps": [step]}
    )))  # fmt: skip


def test_a_journey_goes_on_where_its_stages_are() -> None:
    """More stages do no harm; one that is gone leaves nobody to say what was offered."""
    assert place_in(_journey("a"), _journey("a", "b"), "tour", {}) == Goes("tour")
    gone = place_in(_journey("a", "b"), _journey("a"), "tour", {})
    assert gone == Stays("offers the stage 'b', which is not there any more")


def test_a_journey_goes_on_where_its_reminders_are() -> None:
    """The reminder that is due next must still have its words."""
    assert place_in(_journey("a"), _journey("a", reminders=2), "tour", {}) == Goes("tour")
    fewer = place_in(_journey("a", reminders=2), _journey("a", reminders=1), "tour", {})
    assert isinstance(fewer, Stays)


def test_what_is_no_step_goes_nowhere() -> None:
    """A name that its own version does not know, and a mapping to nothing."""
    nodes = _journey("a")
    assert isinstance(place_in(nodes, nodes, "gone", {}), Stays)
    assert isinstance(place_in(nodes, nodes, "tour", {"tour": {"enter": "gone"}}), Stays)
    assert place_in(nodes, nodes, "tour", {"tour": "gone"}) == Stays("has no 'gone' to go to")
