"""The statistics of the survey, by the figures of SCENARIOS C."""

from math import isclose, sqrt

from workflows.referral.nps import (
    ANSWERS_MIN,
    Answers,
    margin,
    response_rate,
    score,
    shown,
    standard_error,
    trend,
)

YEAR = Answers(promoters=215, passives=85, detractors=75)


def test_score_of_the_scenario() -> None:
    """215 promoters, 85 passives and 75 detractors score +37.3, shown as 37."""
    points = score(YEAR)

    assert YEAR.total == 375
    assert points is not None
    assert round(points, 1) == 37.3
    assert shown(YEAR) == "37"


def test_margin_of_the_scenario() -> None:
    """The margin at 95 % is 8.1 points: 1.96 times the root of 0.6340 / 375."""
    points = margin(YEAR)

    assert points is not None
    assert round(points, 1) == 8.1
    assert isclose(points, 1.96 * sqrt(0.6340 / 375) * 100, rel_tol=1e-4)


def test_response_rate_counts_delivered_invitations() -> None:
    """375 answers to 900 delivered invitations are 41.7 %; the 30 that bounced don't count."""
    rate = response_rate(375, 900)

    assert rate is not None
    assert round(rate, 1) == 41.7
    assert response_rate(375, 930) != rate


def test_nothing_delivered_gives_no_rate() -> None:
    """Of no invitation there is no share, and no error."""
    assert response_rate(0, 0) is None


def test_no_answer_gives_no_score() -> None:
    """Without an answer there is neither score nor margin, and no error."""
    nobody = Answers()

    assert score(nobody) is None
    assert margin(nobody) is None
    assert standard_error(nobody) is None
    assert shown(nobody) == "too few answers"


def test_too_few_answers_below_thirty() -> None:
    """29 answers are too few to show a score, 30 are enough."""
    assert ANSWERS_MIN == 30
    assert shown(Answers(promoters=29)) == "too few answers"
    assert shown(Answers(promoters=30)) == "100"


def test_unanimous_answers_have_no_margin() -> None:
    """When everybody says the same, the estimated error is 0 and not a domain error."""
    assert margin(Answers(promoters=40)) == 0.0
    assert margin(Answers(detractors=40)) == 0.0


def test_trend_needs_more_than_chance() -> None:
    """An arrow shows only when the difference exceeds 1.96 times the joint standard error."""
    weaker = Answers(promoters=195, passives=85, detractors=95)
    weakest = Answers(promoters=150, passives=85, detractors=140)

    assert trend(weaker, YEAR) == 0  # 10.7 points, within 11.7
    assert trend(weakest, YEAR) == 1
    assert trend(YEAR, weakest) == -1


def test_trend_is_silent_on_too_few_answers() -> None:
    """29 answers in either period show no arrow, however far the scores lie apart."""
    few, enough = Answers(detractors=29), Answers(promoters=30)

    assert trend(few, enough) == 0
    assert trend(enough, few) == 0
    assert trend(Answers(detractors=30), enough) == 1
