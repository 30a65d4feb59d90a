"""The statistics of the survey: score, margin of error, response rate, trend.

Plain arithmetic on counts. A corrected answer counts once, with its newest score, and an
unanswered optional question not at all: whoever counts sees to that.
"""

from dataclasses import dataclass
from math import floor, sqrt

ANSWERS_MIN = 30
"""With fewer answers a score is chance: it is not shown, only the counts are."""

Z_95 = 1.96
"""How many standard errors hold the true score in 95 of 100 surveys."""

TOO_FEW = "too few answers"


@dataclass(frozen=True, slots=True)
class Answers:
    """How many people answered in each band, each of them once.

    >>> Answers(promoters=215, passives=85, detractors=75).total
    375
    """

    promoters: int = 0
    passives: int = 0
    detractors: int = 0

    @property
    def total(self) -> int:
        """How many people answered."""
        return self.promoters + self.passives + self.detractors

    @property
    def too_few(self) -> bool:
        """Whether there are too few answers to speak of a score."""
        return self.total < ANSWERS_MIN


def score(answers: Answers) -> float | None:
    """Return the net promoter score, -100 to 100; None without an answer.

    >>> round(score(Answers(215, 85, 75)), 1)
    37.3
    """
    if not answers.total:
        return None
    return 100 * (answers.promoters - answers.detractors) / answers.total


def standard_error(answers: Answers) -> float | None:
    """Return the standard error of the score, in points; None without an answer.

    Each answer is worth +1, 0 or -1, so its variance is the share of promoters and
    detractors less the square of the mean.
    """
    if not answers.total:
        return None
    mean = (answers.promoters - answers.detractors) / answers.total
    variance = (answers.promoters + answers.detractors) / answers.total - mean**2
    return 100 * sqrt(max(variance, 0.0) / answers.total)


def margin(answers: Answers) -> float | None:
    """Return the margin of error at 95 %, in points either side; None without an answer.

    >>> round(margin(Answers(215, 85, 75)), 1)
    8.1
    """
    error = standard_error(answers)
    return None if error is None else Z_95 * error


def response_rate(answered: int, delivered: int) -> float | None:
    """Return the per cent of delivered invitations that were answered.

    None if none was delivered. Invitations that bounced were not delivered.

    >>> round(response_rate(375, 900), 1)
    41.7
    """
    return None if not delivered else 100 * answered / delivered


def trend(before: Answers, after: Answers) -> int:
    """Return 1 or -1 if the score rose or fell by more than chance explains, else 0.

    Too few answers in either period give 0: no arrow is better than a wrong one.
    """
    if before.too_few or after.too_few:
        return 0
    old, new = score(before), score(after)
    old_error, new_error = standard_error(before), standard_error(after)
    if old is None or new is None or old_error is None or new_error is None:
        return 0
    if abs(new - old) <= Z_95 * sqrt(old_error**2 + new_error**2):
        return 0
    return 1 if new > old else -1


def shown(answers: Answers) -> str:
    """Return the score to the nearest whole, a half up, or that there are too few answers for one.

    >>> shown(Answers(215, 85, 75)), shown(Answers(20, 5, 15)), shown(Answers(20, 5, 4))
    ('37', '13', 'too few answers')
    """
    points = score(answers)
    if points is None or answers.too_few:
        return TOO_FEW
    return str(floor(points + 0.5))
