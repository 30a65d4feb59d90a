"""The report on recommendations: what it counts and what it leaves out."""

from typing import Any

from workflows.referral.leads import CONTACT_WITHIN_HOURS, count


def referral(verdict: str = "accepted", stage: str = "submitted", **more: Any) -> dict[str, Any]:
    return {"verdict": verdict, "stage": stage, "submitted_at": "2027-06-01T08:00:00Z", **more}


def test_only_what_was_accepted_has_a_stage_a_way_and_a_worth() -> None:
    """Rejected and doubled recommendations count as such, and as nothing else."""
    found = count([
        {"referrals": {
            "a": referral(stage="won", via="link/whatsapp", value_eur=9000),
            "b": referral("rejected", via="form", value_eur=5),
            "c": referral("duplicate"),
        }},
        {"referrals": {"d": referral(stage="lost", value_eur=70)}, "clicks": {"X": 2, "Y": 1}},
        {"referrals": {"a": referral(stage="won", value_eur=9000)}, "merged_into": "c-anna"},
    ])  # fmt: skip

    assert found.verdicts == {"accepted": 2, "rejected": 1, "duplicate": 1}
    assert found.stages == {"won": 1, "lost": 1}
    assert found.ways == {"link/whatsapp": 1, "elsewhere": 1}
    assert (found.value_eur, found.clicks) == (9000, 3)


def test_hours_to_contact_count_to_the_benchmark_itself() -> None:
    """A day exactly is in time, a minute more is not; without any there is no median."""
    at = ("2027-06-02T08:00:00Z", "2027-06-02T08:01:00Z")
    found = count([{"referrals": {t: referral(stage="contacted", contacted_at=t) for t in at}}])

    assert found.in_time == 1
    assert found.median_hours == CONTACT_WITHIN_HOURS
    assert count([]).median_hours is None


def test_answers_compare_as_people_mean_them() -> None:
    """Case, spaces and a full stop make no other answer; an empty one is none."""
    assert count([], ["Van Anna.", " van  anna", "Internet", " "]).heard == {
        "van anna": 2, "internet": 1,
    }  # fmt: skip
