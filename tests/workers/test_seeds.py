"""The seed of a contest's draw: only the one that was promised, and none of its own in a trial."""

from hashlib import sha256

import pytest

from workers.seeds import STAND_IN, seeds_of, trial_seeds
from workflows.policies import Policies
from workflows.policies_rewards import Contest

SEED = "a long word that nobody knows"
PROMISED = sha256(SEED.encode()).hexdigest()


def _policies(seed: str, promised: str) -> Policies:
    contest = Contest.model_validate({
        "period": ["2027-09-01T00:00", "2027-10-01T00:00"], "freeze": "2027-10-04T12:00",
        "entries": [{"event": "review.posted"}], "seed": seed, "seed_sha256": promised,
    })  # fmt: skip
    return Policies(programme="p", contests={"autumn": contest})


@pytest.mark.parametrize(
    ("seed", "promised", "variables", "found"),
    [
        ("env:SEED", PROMISED, {"SEED": SEED}, {"autumn": SEED}),
        ("env:SEED", PROMISED.upper(), {"SEED": SEED}, {"autumn": SEED}),
        ("env:SEED", PROMISED, {"SEED": "another"}, {}),
        ("env:SEED", PROMISED, {}, {}),
        ("env:SEED", "", {"SEED": SEED}, {"autumn": SEED}),
        ("", "", {}, {"autumn": ""}),
    ],
    ids=["right", "in capitals", "another", "not set", "nothing promised", "none asked for"],
)
def test_only_the_promised_seed_draws(
    seed: str, promised: str, variables: dict[str, str], found: dict[str, str]
) -> None:
    """What is not there, or is not what was published, draws nothing: the draw waits."""
    assert seeds_of(_policies(seed, promised), variables) == found


def test_a_trial_draws_with_the_true_seed_or_a_stand_in() -> None:
    """A trial has a winner, the same each time, whether or not the secret is there."""
    policies = _policies("env:SEED", PROMISED)

    assert trial_seeds(policies, {}) == {"autumn": STAND_IN}
    assert trial_seeds(policies, {"SEED": SEED}) == {"autumn": SEED}
