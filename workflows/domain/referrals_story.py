"""What becomes of a lead: told anew, from the beginning, whenever something is added.

The lead keeps what it heard (who recommended it, its stages, its deals, reviews) and the story
is worked out from that in order of time. So whatever order the news arrives in, the end is the
same. Time moves on by itself too: a referral whose lead nobody contacted expires.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from workflows.state import Doc, instant, iso

RANKS = {"submitted": 0, "accepted": 1, "contacted": 2, "qualified": 3, "won": 4, "lost": 4}
ENDS = frozenset({"won", "lost"})
WAITING = frozenset({"review", "held"})
LIVE = frozenset({"accepted", *WAITING})

Judge = Callable[[Doc], tuple[str, str]]
"""Gives what stands against a submission: a verdict's name and the reason, or two empty texts."""


Undoes = Callable[[Doc, datetime, datetime], bool]


@dataclass(slots=True)
class Referral:
    """One recommendation, as the story makes it."""

    sub: Doc
    verdict: str = ""
    reason: str = ""
    stage: str = "submitted"
    stage_at: str = ""
    accepted_at: str = ""
    decided_at: str = ""
    deal: str = ""
    value_eur: int = 0
    passed: list[tuple[str, str]] = field(default_factory=list)
    deals: dict[str, str] = field(default_factory=dict)
    wins: list[list[str]] = field(default_factory=list)  # since when, until when, of which deal
    ended: set[str] = field(default_factory=set)
    against: tuple[str, str] = ("", "")
    approved: bool = False
    undone: bool = False

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.sub["id"])

    @property
    def at(self) -> datetime:
        """When it was submitted: what attribution counts from."""
        return instant(self.sub["at"])

    @property
    def is_contacted(self) -> bool:
        """Whether somebody spoke to the lead, or more."""
        return RANKS.get(self.stage, 0) >= RANKS["contacted"]

    def name(self, deal: str, stage: str) -> None:
        """Say which deal counts: the first that is named, for a win that names none as well.

        A win that names none is not of a deal that is over by then: it waits for a name.
        """
        if not deal and stage == "won" and self.deal in self.ended:
            self.deal = ""
        elif deal and not self.deal:
            self.deal = deal
            if "" in self.deals:
                self.deals[deal] = self.deals.pop("")

    def undo(self, time: str) -> None:
        """Have the win that counts be taken back: the first that takes it back ends it."""
        if not self.undone and self.wins:
            self.wins[-1][1] = time
        self.undone = True

    def reach(self, stage: str, time: str) -> None:
        """Move on to a stage; what is not forward only enters the timeline."""
        if stage not in ENDS and RANKS[stage] <= RANKS.get(self.stage, 0):
            return
        if stage in ENDS and stage == self.stage and not (stage == "won" and self.undone):
            return
        self.undone = False
        self.stage, self.stage_at = stage, time
        self.passed.append((stage, time))


class Story:
    """Tells the story of one lead.

    Args:
        deadline: When a referral submitted at an instant expires.
        early: How far back news may lie that a submission explains (`referrals.park`).
        judge: What stands against a submission.
        undoes: Whether news takes back what was won: given it, the instant of the win and its own.
    """

    def __init__(
        self, deadline: Callable[[datetime], datetime],
        early: Callable[[datetime], datetime], judge: Judge, undoes: Undoes,
    ) -> None:  # fmt: skip
        self._deadline = deadline
        self._early = early
        self._judge = judge
        self._undoes = undoes
        self.found: dict[str, Referral] = {}
        self.current: Referral | None = None
        self._past: list[Doc] = []

    def tell(self, referred: Doc, *, until: datetime) -> None:
        """Go through everything heard, in order of time; what is due before `until` expires."""
        for at, what, heard in sorted(_items(referred), key=lambda item: _order(*item)):
            self._expire(at)
            match what:
                case 0:
                    self._submitted(heard)
                case 1:
                    self._reviewed(heard)
                case _:
                    self._heard(heard)
        self._expire(until)

    # -- what is heard -----------------------------------------------------------------------

    def _submitted(self, sub: Doc) -> None:
        referral = Referral(sub, against=self._judge(sub))
        self.found[referral.id] = referral
        verdict, reason = referral.against
        if verdict in ("rejected", "not_eligible"):
            referral.verdict, referral.reason = verdict, reason
            return
        current = self.current
        if current is not None and current.stage != "lost":
            same = current.sub["referrer"]["id"] == sub["referrer"]["id"]
            referral.verdict = "duplicate"
            referral.reason = "same_referrer" if same else "already_referred"
            return
        self._take(referral, sub["at"])
        since = self._early(referral.at)
        ended = instant(current.stage_at) if current is not None else None
        for news in self._past:  # the recommendation was only written down after them
            at = instant(news["time"])
            if at >= since and (ended is None or at > ended):
                self._move(referral, news)

    def _take(self, referral: Referral, time: str) -> None:
        """Make a referral the one that counts, unless something wants a look first."""
        self.current = referral
        verdict, reason = referral.against
        if verdict in WAITING and not referral.approved:
            referral.verdict, referral.reason = verdict, reason
        else:
            referral.verdict, referral.reason, referral.accepted_at = "accepted", "", time

    def _reviewed(self, review: Doc) -> None:
        referral = self.found.get(review["referral"])
        if referral is None or referral.verdict not in (*WAITING, "duplicate"):
            return
        if review["verdict"] == "approved":
            referral.approved = True
            if referral is self.current:
                self._take(referral, review["time"])
        elif referral.verdict in WAITING or referral.against[0] in WAITING:
            referral.verdict, referral.reason = "rejected", referral.against[1]
            referral.decided_at = review["time"]
            self._fail(referral, review["time"])

    def _heard(self, news: Doc) -> None:
        self._past.append(news)
        if self.current is not None:
            self._move(self.current, news)

    def _move(self, referral: Referral, news: Doc) -> None:
        kind, deal, at = news["kind"], str(news.get("deal", "")), instant(news["time"])
        is_deal = kind in ("deal.won", "deal.lost")
        stage = kind.removeprefix("deal.") if is_deal else str(news.get("stage", ""))
        referral.name(deal, stage)
        referral.value_eur = news.get("value_eur") or referral.value_eur
        is_its_own = referral.stage == "won" and deal in ("", referral.deal)
        if is_its_own and self._undoes(news, instant(referral.stage_at), at):
            referral.undo(news["time"])
        if deal and (stage == "lost" or self._undoes(news, at, at)):
            referral.ended.add(deal)
        if stage not in RANKS:
            return
        if stage == "won":
            referral.deals[deal or referral.deal] = stage
            referral.ended.discard(deal)
        elif stage == "lost" and deal:
            referral.deals[deal] = stage
            if "won" in referral.deals.values():
                return  # another deal with the same lead is won still
        elif stage == "lost":
            referral.deals = dict.fromkeys(referral.deals, stage)
        self._reached(referral, stage, deal, news["time"])

    @staticmethod
    def _reached(referral: Referral, stage: str, deal: str, time: str) -> None:
        before = len(referral.passed)
        referral.reach(stage, time)
        if len(referral.passed) == before:
            return
        if deal:
            referral.deal = deal
        if stage == "won" and (not referral.wins or referral.wins[-1][1]):
            referral.wins.append([time, "", referral.deal])

    # -- what becomes of the line --------------------------------------------------------------

    def _expire(self, until: datetime) -> None:
        while (current := self.current) is not None and not current.is_contacted:
            due = self._deadline(current.at)
            if due >= until:
                return
            current.stage, current.stage_at = "expired", iso(due)
            current.passed.append(("expired", iso(due)))
            self._fail(current, iso(due))

    def _fail(self, referral: Referral, time: str) -> None:
        """Let the next in line take the place of one that failed, if it is still in time."""
        if referral is not self.current:
            return
        self.current = None
        waiting = [each for each in self.found.values() if each.verdict == "duplicate"]
        for each in sorted(waiting, key=lambda one: (one.at, one.id)):
            if each.reason == "already_referred" and self._deadline(each.at) > instant(time):
                self._take(each, time)
                return


def _items(referred: Doc) -> Iterator[tuple[datetime, int, Doc]]:
    subs: Mapping[str, Doc] = referred.get("subs", {})
    reviews: Mapping[str, Sequence[str]] = referred.get("reviews", {})
    for sub in subs.values():
        yield instant(sub["at"]), 0, sub
    for id_, (verdict, time) in reviews.items():
        if id_ in subs:
            # A word said too early for the clock of another system still follows what it is about.
            at = max(instant(time), instant(subs[id_]["at"]))
            yield at, 1, {"referral": id_, "verdict": verdict, "time": iso(at)}
    heard: Sequence[Doc] = referred.get("news", [])
    for news in heard:
        yield instant(news["time"]), 2, news


def _order(at: datetime, what: int, heard: Doc) -> tuple[datetime, int, int, str]:
    """Order what happened at once: submissions, reviews, stages by rank, a loss after a win."""
    kind = heard.get("kind", "")
    stage = kind.removeprefix("deal.") if kind.startswith("deal.") else heard.get("stage", "")
    rank = RANKS.get(stage, 0) + (stage == "lost")
    return at, what, rank, str(heard.get("id", ""))
