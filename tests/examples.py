"""How many examples a property is tried with: few at every change, many in a night."""

import os

from hypothesis import HealthCheck, settings

NIGHTLY = bool(os.environ.get("VOUCH_NIGHTLY"))
"""Whether tests take their long form: `.ci/nightly` says so."""
FACTOR = 50
"""How many times more of everything a night tries."""


def examples(few: int) -> settings:
    """Return settings that try a property with `few` examples, and with many in a night.

    Nothing here may depend on how fast this machine is today, nor on how its examples are made.
    """
    return settings(
        max_examples=few * (FACTOR if NIGHTLY else 1),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
