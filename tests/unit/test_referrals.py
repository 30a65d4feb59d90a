"""Checks of referrals and the story of a lead, rule by rule."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from workflows.domain import referrals_checks as checks
from workflows.domain.referrals_story import Referral, Story
from workflows.mail_domains import MailDomains
from workflows.policies import Verdict
from workflows.state import Doc, iso

START = datetime(2027, 6, 1, 8, tzinfo=UTC)
WITHIN = timedelta(days=90)
PARK = timedelta(days=7)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna@Acme.example", "anna@acme.example"),
        ("anna+vriend@acme.example", "anna@acme.example"),
        ("a.n.n.a@gmail.com", "anna@googlemail.com"),
        ("anna@bücher.example", "anna@xn--bcher-kva.example"),
    ],
)
def test_ways_to_write_an_address_are_one_address(one: str, other: str) -> None:
    """Case, a plus, Gmail's dots and an umlaut tell nobody apart."""
    assert checks.canonical_email(one) == checks.canonical_email(other)
    assert checks.marks_of({"email": one}) == checks.marks_of({"email": other})


@pytest.mark.parametrize("text", ["", "anna", "@acme.example", "a@b@", "\x00@", "a@" + "x" * 400])
def test_what_is_no_address_breaks_nothing(text: str) -> None:
    """Whatever somebody typed has a domain or none, and is thrown away or not."""
    assert checks.firm_domain(text, MailDomains()) == ""
    assert MailDomains().is_disposable(checks.domain_of(text)) is False


def test_dots_count_where_they_are_not_gmails() -> None:
    """Only Gmail ignores dots: elsewhere these are two people."""
    assert checks.canonical_email("j.an@acme.example") != checks.canonical_email("jan@acme.example")


@pytest.mark.parametrize("other", ["0612345678", "06 12 34 56 78", "0031 6 12345678"])
def test_ways_to_write_a_number_are_one_number(other: str) -> None:
    """With its country or without, a number is the same."""
    assert set(checks.marks_of({"phone": "+31612345678"})) & set(checks.marks_of({"phone": other}))


def test_marks_tell_nobody_an_address() -> None:
    """What travels to a lead's document are hashes."""
    known = checks.identity(
        "c-anna", {"email": "anna@acme.example", "phone": "+31612345678"}, MailDomains()
    )

    assert "anna" not in repr(known["marks"])
    assert known["domains"] == ["acme.example"]


def test_a_rejection_goes_before_the_order_of_the_checks() -> None:
    """The first check that hits decides, unless a later one rejects."""
    policies = {"own_firm": Verdict(verdict="review"), "disposable": Verdict(verdict="reject")}

    assert checks.chosen({"own_firm": "domain"}, policies) == ("review", "own_firm")
    both = {"own_firm": "domain", "disposable": "domain"}
    assert checks.chosen(both, policies) == ("rejected", "disposable")
    assert checks.chosen({"velocity": "pace"}, policies) == ("", "")  # not asked for


# -- the story -------------------------------------------------------------------------------------


def sub(name: str, day: float, referrer: str = "c-anna") -> Doc:
    at = START + timedelta(days=day)
    return {"id": name, "at": iso(at), "referrer": {"id": referrer}}


def news(day: float, kind: str = "lead.stage_changed", **said: Any) -> Doc:
    at = START + timedelta(days=day)
    return {"id": f"n-{day}", "kind": kind, "time": iso(at), **said}


def told(
    *heard: Doc, until: float, against: dict[str, tuple[str, str]] | None = None,
    reviews: dict[str, list[str]] | None = None,
) -> dict[str, Referral]:  # fmt: skip
    """Return the referrals of a story that is told until a day."""
    story = Story(
        lambda at: at + WITHIN, lambda at: at - PARK,
        lambda one: (against or {}).get(one["id"], ("", "")),
        lambda news, won, at: news["kind"] == "deal.refunded" and at >= won,
    )  # fmt: skip
    referred = {
        "subs": {each["id"]: each for each in heard if "referrer" in each},
        "news": [each for each in heard if "kind" in each], "reviews": reviews or {},
    }  # fmt: skip
    story.tell(referred, until=START + timedelta(days=until))
    return story.found


def test_a_referral_expires_at_its_deadline_and_not_before() -> None:
    """Contacted at the very instant it is in time; a moment later it is not."""
    assert told(sub("a", 0), until=90)["a"].stage == "submitted"
    assert told(sub("a", 0), until=90.001)["a"].stage == "expired"
    in_time = told(sub("a", 0), news(90, stage="contacted"), until=91)
    assert in_time["a"].stage == "contacted"
    too_late = told(sub("a", 0), news(90.001, stage="contacted"), until=91)
    assert too_late["a"].stage == "expired"


def test_news_that_arrives_after_the_deadline_is_in_time_if_it_happened_in_time() -> None:
    """Told anew with the late news, the first keeps the lead and the second goes back in line."""
    line = (sub("a", 0), sub("b", 10, "c-bram"))

    before = told(*line, until=95)
    after = told(*line, news(80, stage="contacted"), until=95)

    assert (before["a"].stage, before["b"].verdict) == ("expired", "accepted")
    assert (after["a"].stage, after["b"].verdict) == ("contacted", "duplicate")


def test_a_promoted_second_has_the_rest_of_its_own_time() -> None:
    """Attribution counts from the submission, for the second in line as well."""
    line = (sub("a", 0), sub("b", 1, "c-bram"))

    assert told(*line, until=90.5)["b"].stage == "submitted"
    assert told(*line, until=91.5)["b"].stage == "expired"


def test_a_review_releases_from_then_and_attributes_from_the_submission() -> None:
    """The one who was held first keeps the lead; the acceptance bears the review's time."""
    reviewed = START + timedelta(days=2)
    found = told(
        sub("a", 0), sub("b", 1, "c-bram"), until=3, against={"a": ("review", "own_firm")},
        reviews={"a": ["approved", iso(reviewed)]},
    )  # fmt: skip

    assert (found["a"].verdict, found["a"].accepted_at) == ("accepted", iso(reviewed))
    assert found["b"].verdict == "duplicate"


def test_a_review_that_rejects_promotes_the_second() -> None:
    """The second's acceptance is of the instant at which the first failed."""
    reviewed = iso(START + timedelta(days=2))
    found = told(
        sub("a", 0), sub("b", 1, "c-bram"), until=3, against={"a": ("review", "own_firm")},
        reviews={"a": ["rejected", reviewed]},
    )  # fmt: skip

    assert (found["a"].verdict, found["a"].reason) == ("rejected", "own_firm")
    assert (found["b"].verdict, found["b"].accepted_at) == ("accepted", reviewed)


def test_news_shortly_before_the_submission_belongs_to_it() -> None:
    """A win that was parked counts for the referral written down after it; an old one does not."""
    assert told(news(-1, "deal.won", deal="d"), sub("a", 0), until=1)["a"].stage == "won"
    assert told(news(-8, "deal.won", deal="d"), sub("a", 0), until=1)["a"].stage == "submitted"


def test_a_lost_deal_beside_one_that_is_won_loses_nothing() -> None:
    """The referral is lost only when no deal with the lead is won."""
    won, lost = news(1, "deal.won", deal="d-1"), news(2, "deal.lost", deal="d-2")

    assert told(sub("a", 0), won, lost, until=3)["a"].stage == "won"
    assert told(sub("a", 0), won, {**lost, "deal": "d-1"}, until=3)["a"].stage == "lost"


def test_a_lead_that_was_lost_can_be_recommended_again() -> None:
    """The new recommendation counts, and the old loss is not its own."""
    found = told(sub("a", 0), news(1, "deal.lost", deal="d"), sub("b", 2, "c-bram"), until=3)

    assert [found["a"].stage, found["b"].stage] == ["lost", "submitted"]
    assert found["b"].verdict == "accepted"


def test_unknown_stages_of_a_crm_move_nothing() -> None:
    """A pipeline has stages of its own; only the language's words move a referral."""
    assert told(sub("a", 0), news(1, stage="proposal sent"), until=2)["a"].stage == "submitted"


@pytest.mark.parametrize(
    ("domain", "firm"),
    [
        ("planet.nl", ""), ("planet.example", "planet.example"), ("web.de", ""),
        ("web.example", "web.example"), ("yahoo.co.uk", ""), ("mail.acme.co.uk", "acme.co.uk"),
        ("kabel.example", ""), ("post.kabel.example", ""), ("weg.example", ""),
        ("mailinator.example", ""), ("nada.email", ""), ("nada.example", "nada.example"),
    ],
)  # fmt: skip
def test_only_domains_that_anybody_has_are_no_firms(domain: str, firm: str) -> None:
    """A firm may bear a word that a provider bears elsewhere; a programme adds its own."""
    ours = MailDomains.of(["Kabel.example"], ["weg.example"])

    assert ours.firm(domain) == firm
    assert ours.is_disposable(domain) == (
        domain in {"weg.example", "mailinator.example", "nada.email"}
    )
