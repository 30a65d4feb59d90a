"""A referral's story comes out the same in whatever order its events arrive (SCENARIOS A.3)."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.replay import Replay, balances, library
from tests.unit.referral_stories import START, STORIES, ends, lead, play, told
from workflows.domain import referrals_firms, referrals_lead
from workflows.state import iso


@examples(60)
@given(st.sampled_from(sorted(STORIES)), st.data())
def test_every_order_of_arrival_has_the_same_end(name: str, data: st.DataObject) -> None:
    """Permuted and repeated, the events of a story leave the same referrals and balances."""
    story = STORIES[name]
    order = data.draw(st.permutations(story), label="order")

    assert ends(play([*order, *order])) == ends(play(story))


@examples(10)
@given(st.sampled_from(sorted(STORIES)), st.data())
def test_the_book_sums_to_zero_in_every_order(name: str, data: st.DataObject) -> None:
    """Whoever is credited and taken back from on the way, every transaction balances."""
    world = play(data.draw(st.permutations(STORIES[name]), label="order"))

    assert not any(balances(world.entries).values())


def test_the_stories_end_as_told() -> None:
    """In the order in which they happened, the stories say what the rules say."""

    def verdicts(name: str) -> list[tuple[str, str]]:
        found = [
            (each["verdict"], each.get("stage", ""))
            for referrals, _ in ends(play(STORIES[name])).values()
            for each in referrals.values()
        ]
        return sorted(found)

    assert verdicts("won") == [("accepted", "won")]
    assert verdicts("won and lost") == [("accepted", "lost")]
    assert verdicts("lost by its stage") == [("accepted", "lost")]
    assert verdicts("lost and won after all") == [("accepted", "won")]
    assert verdicts("two referrers")[0] == ("accepted", "contacted")
    assert verdicts("in the pipeline") == [("not_eligible", "submitted")]
    assert verdicts("a customer already") == [("not_eligible", "submitted")]
    assert verdicts("oneself, by another record's address") == [("rejected", "")]
    assert verdicts("oneself, by another record's number") == [("rejected", "")]
    assert verdicts("a colleague, by another record's firm") == [("review", "submitted")]
    assert verdicts("oneself, by an address of before") == [("rejected", "")]
    assert [verdict for verdict, _ in verdicts("too fast")].count("held") == 2


def test_an_address_of_later_is_no_reason() -> None:
    """Whoever moves to the lead's firm after recommending it recommended no colleague."""
    world = play([
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 5, "contact.updated", "c-anna", email="anna@duin.example"),
        told(3, 10, "deal.won", lead="l-8", deal="d-8", value_eur=9000),
    ])  # fmt: skip

    ((referral, _), *_) = ends(world).values()
    assert [each["verdict"] for each in referral.values()] == ["accepted"]


def heard(world: Replay, actor: str, kind: str, number: int, /, **data: Any) -> None:
    """Let an actor hear what another one says."""
    event = {"id": f"{kind}-{number}", "source": "vouch", "type": kind, "fact": True,
             "time": iso(START), "contact": "", "data": data}  # fmt: skip
    world.event(event, actor)


def test_a_lead_remembers_so_many_recommendations() -> None:
    """The last that fits is in line; a further one counts for nothing and breaks nothing."""
    world = Replay(library(), START)
    for number in range(referrals_lead.LINE_MAX + 1):
        world.event(told(number, number, "referral.submitted", f"c-{number}", lead=lead("l-8")))

    line = world.states["contact/l-8"].doc["referred"]["line"]
    assert len(line) == referrals_lead.LINE_MAX
    last = world.states[f"contact/c-{referrals_lead.LINE_MAX - 1}"].doc["referrals"]
    assert [each["verdict"] for each in last.values()] == ["duplicate"]
    assert "referrals" not in world.states[f"contact/c-{referrals_lead.LINE_MAX}"].doc


def test_a_lead_remembers_so_much_news() -> None:
    """The oldest news goes first, and the stage that came of it stays as long as it is told."""
    world = Replay(library(), START)
    world.event(told(0, 0, "referral.submitted", "c-anna", lead=lead("l-8")))
    for number in range(1, referrals_lead.NEWS_MAX + 2):
        event = told(number, number, "lead.stage_changed", lead="l-8", stage="contacted")
        world.event(event, "contact/l-8")

    news = world.states["contact/l-8"].doc["referred"]["news"]
    assert len(news) == referrals_lead.NEWS_MAX
    assert news[0]["time"] == iso(START + timedelta(minutes=2))


def test_domains_and_accounts_remember_so_many() -> None:
    """Leads beyond the bound push out the oldest; a further account is not asked."""
    world = Replay(library(), START)
    for number in range(referrals_firms.ACCOUNTS_MAX + 1):
        heard(world, "domain/boot.example", "firm.linked", number,
              account=f"a-{number:03}", domain="boot.example")  # fmt: skip
    for number in range(referrals_firms.LEADS_MAX + 1):
        heard(world, "account/a-000", "firm.asked", number, lead=f"l-{number}", of=1, asked="")
    for number in range(referrals_firms.DEALS_MAX + 1):
        heard(world, "account/a-001", "firm.dealt", number,
              deal=f"d-{number}", kind="deal.opened", at=iso(START))  # fmt: skip

    domain, account = (world.states[key].doc for key in ("domain/boot.example", "account/a-000"))
    assert len(domain["accounts"]) == referrals_firms.ACCOUNTS_MAX
    assert len(account["leads"]) == referrals_firms.LEADS_MAX
    assert account["leads"][0] == "l-1"
    assert len(world.states["account/a-001"].doc["deals"]) == referrals_firms.DEALS_MAX


def test_a_code_belongs_to_whoever_had_it_first() -> None:
    """An event that names a code reaches that contact; nobody's code is refused with a reason."""
    world = Replay(library(), START)
    for number, contact in enumerate(("c-anna", "c-bram")):
        fields = {"codes": ["Star-1", f"OWN-{number}", "no code"]}
        world.event({**told(number, 0, "contact.updated", contact), "data": fields})
    for number, code in enumerate(("STAR-1", "OWN-1", "NOBODY")):
        event = told(10 + number, 5, "referral.submitted", lead=lead(f"l-{number}"), code=code)
        world.event(event, f"code/{code}")
    clicks = [told(20, 6, "link.clicked", code="star-1"),
              told(21, 6, "link.clicked", code="star-1", bot=True)]  # fmt: skip
    for event in clicks:
        world.event(event, "code/STAR-1")

    whose = {name: world.states[f"contact/{name}"].doc for name in ("c-anna", "c-bram")}
    found = {n: [r["lead"]["id"] for r in d["referrals"].values()] for n, d in whose.items()}
    assert found == {"c-anna": ["l-0"], "c-bram": ["l-1"]}
    assert whose["c-anna"]["clicks"] == {"star-1": 1}
    refused = [fact for fact in world.facts if fact["fact"] == "event.rejected"]
    assert [fact["data"]["reason"] for fact in refused] == ["unknown_code"]
