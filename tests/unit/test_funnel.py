"""The funnel, by the figures of SCENARIOS B."""

from datetime import date

from workflows.referral.funnel import BENCHMARK, Level, Standing, funnel, levels, loyal


def test_funnel_of_the_scenario() -> None:
    """400 customers, 100 in, 10 gave something, 2 introduced somebody: all three are met."""
    found = levels(customers=400, participants=100, involved=10, committed=2)

    assert [(each.name, each.shown, each.benchmark, each.met) for each in found] == [
        ("participation", "25.0 %", 25, True),
        ("involved", "10.0 %", 10, True),
        ("committed", "2.0 %", 2, True),
    ]


def test_just_below_is_not_met() -> None:
    """99 of 400 customers miss the benchmark of a quarter."""
    assert not Level("participation", 99, of=400, benchmark=BENCHMARK["participation"]).met


def test_nobody_has_no_share() -> None:
    """With a denominator of 0 the share is a dash, neither 0 % nor an error."""
    found = levels(customers=0, participants=0, involved=0, committed=0)

    assert [each.shown for each in found] == ["—", "—", "—"]
    assert [each.share for each in found] == [None, None, None]
    assert not any(each.met for each in found)


def test_contacts_are_counted_once_a_level() -> None:
    """Who gave and introduced is one of the involved and one of the committed."""
    found = funnel(
        [
            Standing("c-anna", participant=True, gave=True, introduced=True),
            Standing("c-bram", participant=True),
            Standing("c-carla"),
            Standing("c-dirk"),
        ]
    )

    assert [(each.count, each.of) for each in found] == [(2, 4), (1, 2), (1, 2)]


def test_merged_contact_counts_once() -> None:
    """Two records of one person, merged by a chain, count as one at every level."""
    found = funnel(
        [
            Standing("c-1", merged_into="c-2", participant=True, gave=True),
            Standing("c-2", merged_into="c-3", participant=True),
            Standing("c-3", participant=True, introduced=True),
        ]
    )

    assert [(each.count, each.of) for each in found] == [(1, 1), (1, 1), (1, 1)]


def test_circle_of_merges_ends() -> None:
    """Records that claim to be merged into each other, which nothing allows, hang nothing."""
    found = funnel(
        [Standing("c-1", merged_into="c-2"), Standing("c-2", merged_into="c-1", participant=True)]
    )

    assert found[0].count == 1


def test_rejected_recommendation_is_no_commitment() -> None:
    """Somebody whose only recommendation was turned down gave one, and introduced nobody."""
    found = funnel([Standing("c-anna", participant=True, gave=True, introduced=False)])

    assert [each.count for each in found] == [1, 1, 0]


def test_others_are_not_involved() -> None:
    """What somebody gives who does not take part counts at no level."""
    found = funnel(
        [Standing("c-anna", gave=True, introduced=True), Standing("c-b", participant=True)]
    )

    assert [each.count for each in found] == [1, 0, 0]


def test_leads_are_no_customers() -> None:
    """Somebody who was recommended to us is not among those who could take part."""
    found = funnel([Standing("c-anna"), Standing("l-daan", customer=False)])

    assert found[0].of == 1


def test_who_gave_on_another_day_again_is_loyal() -> None:
    """Of participants, two records of one person together; giving twice in a day is once."""
    first, second = frozenset({date(2027, 3, 1)}), frozenset({date(2027, 3, 2)})

    assert loyal([Standing("c-anna", participant=True, gave=True, days=first)]) == 0
    assert loyal([Standing("c-anna", participant=True, gave=True, days=first | second)]) == 1
    assert loyal([Standing("c-anna", participant=False, gave=True, days=first | second)]) == 0
    assert loyal([
        Standing("c-anna", participant=True, gave=True, days=first),
        Standing("c-anna2", merged_into="c-anna", gave=True, days=second),
    ]) == 1  # fmt: skip
