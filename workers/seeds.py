"""The seeds of contests' draws: secret until the draw, and the ones that were promised."""

from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest

from workflows.policies import Policies
from workflows.policies_rewards import Contest
from workflows.signatures import SECRET_PREFIX

STAND_IN = "trial"
"""What trials draw with where the seed is not there: the same winner each time."""


def seed_of(contest: Contest, secrets: Mapping[str, str]) -> str | None:
    """Return a contest's seed; None where it is not set, or is not the one that was published.

    A draw with another seed than the promised one would be no draw, so it waits.
    """
    seed = contest.seed
    if seed.startswith(SECRET_PREFIX):
        seed = secrets.get(seed.removeprefix(SECRET_PREFIX), "")
        if not seed:
            return None
    promised = contest.seed_sha256.lower()
    if promised and not compare_digest(sha256(seed.encode()).hexdigest(), promised):
        return None
    return seed


def seeds_of(policies: Policies, secrets: Mapping[str, str]) -> dict[str, str]:
    """Return the seeds that are there and right, by contest."""
    found = {name: seed_of(contest, secrets) for name, contest in policies.contests.items()}
    return {name: seed for name, seed in found.items() if seed is not None}


def trial_seeds(policies: Policies, secrets: Mapping[str, str]) -> dict[str, str]:
    """Return a seed for every contest: a trial draws whether or not the true one is there."""
    return {**dict.fromkeys(policies.contests, STAND_IN), **seeds_of(policies, secrets)}
