"""The chaos drill in its short setting: every kind of fault, some thousand effects, all counted."""

from pathlib import Path

from benchmarks.chaos.__main__ import described
from benchmarks.chaos.drill import Plan, drill


def test_nothing_is_missing_or_doubled_whatever_dies(tmp_path: Path) -> None:
    """Real processes and servers are killed, frozen, cut off and starved: all effects count."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)  # the user that Postgres runs as must get through

    told = drill(tmp_path, Plan(events=600, seed=3, seconds=6, every=0.3))

    assert len(told.faults) >= 15, "hardly anything went wrong: the test proves nothing"
    assert told.is_right, described(told)
