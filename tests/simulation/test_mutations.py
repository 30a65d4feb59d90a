"""Switch a rule of the design off, and the simulation notices: proof that it would."""

from pathlib import Path

import pytest

from tests.simulation.mutations import MUTATIONS, Mutation
from tests.simulation.runs import play


@pytest.mark.parametrize(
    "mutation", MUTATIONS, ids=lambda m: f"{m.rule}-{m.name.replace(' ', '-')}"
)
def test_the_simulation_notices_that_a_rule_is_off(
    mutation: Mutation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some seed comes out wrong, for the reason that this rule is there to prevent."""
    mutation.off(monkeypatch)

    findings = (
        finding
        for seed in (mutation.first, *mutation.seeds)
        for finding in play(seed, change=mutation.change).findings
    )

    assert any(mutation.notices in finding for finding in findings)


def test_every_rule_has_a_mutation() -> None:
    """The twelve rules of the design are all there."""
    assert {mutation.rule for mutation in MUTATIONS} == set(range(1, 13))


def test_the_page_names_every_mutation() -> None:
    """The table of the page is the table of the tests."""
    page = (Path(__file__).parents[2] / "docs" / "nothing-is-lost.md").read_text()

    assert [m.name for m in MUTATIONS if f"| {m.rule} | {m.name} |" not in page] == []
