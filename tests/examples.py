"""How many examples a property is tried with: few at every change, many in a night."""

import os

from hypothesis import HealthCheck, settings

NIGHTLY = bool(os.environ.get("VOUCH_NIGHTLY"))
"""Whether tests take their long form: `.ci/nightly` says so."""
FACTOR = 50
"""How many times more of everything a night tries."""
FEWEST = 10


def examples(few: int) -> settings:
    """Return settings that try a property with half of `few` examples, and many in a night.

    Everybody's runs try other examples, so half of them a run finds as much in twice the runs.
    Nothing here may depend on how fast this machine is today, nor on how its examples are made.
    """
    return settings(
        max_examples=few * FACTOR if NIGHTLY else max(few // 2, FEWEST),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
