"""What is left of an event, a decision and a run when their words are taken out."""

from store.wordless import decision_without, event_without, run_without

SAID = "Anna said no"


def test_codes_stay_and_what_people_wrote_goes() -> None:
    """A type of a programme's own may have free text in a field that elsewhere holds a code."""
    data = {"reason": SAID, "answer": "not_now", "kind": "story", "score": 3, "by": "u-ben",
            "text": "fine", "inner": {"status": SAID, "stage": "won"}}  # fmt: skip

    kept = event_without({"id": "e-1", "type": "own.thing", "data": data})["data"]

    assert kept == {"answer": "not_now", "kind": "story", "score": 3, "by": "u-ben",
                    "inner": {"stage": "won"}}  # fmt: skip


def test_no_failure_says_upon_what() -> None:
    """An expression's error names the value it could not take: neither run nor fact keeps it."""
    failed = "\"trigger.data.day\" is not an instant: 'Anna'"
    steps = {"rest": {"outcome": "failed", "reason": failed, "at": "2027-02-01T09:00:00Z"},
             "hear": {"outcome": "skipped", "reason": "capped"}}  # fmt: skip
    facts = [{"fact": "step.done", "data": {"outcome": "failed", "reason": failed}}]

    assert run_without({"steps": steps})["doc"]["steps"] == {
        "rest": {"outcome": "failed", "at": "2027-02-01T09:00:00Z"},
        "hear": {"outcome": "skipped", "reason": "capped"},
    }
    assert decision_without({"facts": facts})["facts"][0]["data"] == {"outcome": "failed"}
