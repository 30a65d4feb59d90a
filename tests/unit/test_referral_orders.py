"""A referral's story comes out the same in whatever order its events arrive (SCENARIOS A.3)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.replay import Replay, balances, library
from workflows.domain import referrals_firms, referrals_lead
from workflows.state import iso

START = datetime(2027, 6, 1, 8, tzinfo=UTC)
KNOWN = START - timedelta(days=30)
PEOPLE = {
    "c-anna": {"first_name": "Anna", "email": "anna@acme.example", "owner": "u-sam"},
    "c-bram": {"first_name": "Bram", "email": "bram@brug.example", "owner": "u-lena"},
}

Event = dict[str, Any]


def told(number: int, minute: int, kind: str, contact: str = "", **data: Any) -> Event:
    """Return an event of the story; leads' events belong to the lead."""
    given_lead = data.get("lead", "")
    lead = given_lead["id"] if isinstance(given_lead, dict) else given_lead
    return {
        "id": f"e-{number}", "source": "test", "type": kind, "contact": contact, "account": "",
        "time": iso(START + timedelta(minutes=minute)), "lead": lead, "data": data,
    }  # fmt: skip


def lead(name: str, at: str = "duin.example") -> dict[str, str]:
    """Return somebody who is recommended."""
    return {"id": name, "name": name.title(), "email": f"{name}@{at}"}


STORIES: dict[str, list[Event]] = {
    "won": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 5, "lead.stage_changed", lead="l-8", stage="accepted"),
        told(3, 10, "lead.stage_changed", lead="l-8", stage="contacted"),
        told(4, 15, "deal.opened", lead="l-8", deal="d-8", value_eur=9000),
        told(5, 20, "deal.won", lead="l-8", deal="d-8", value_eur=9000),
    ],
    "won and lost": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 10, "deal.won", lead="l-8", deal="d-8", value_eur=9000),
        told(3, 20, "deal.lost", lead="l-8", deal="d-8"),
        told(4, 25, "lead.stage_changed", lead="l-8", stage="qualified"),
    ],
    "lost and won after all": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 10, "deal.lost", lead="l-8", deal="d-8"),
        told(3, 20, "deal.won", lead="l-8", deal="d-9", value_eur=9000),
    ],
    "won, lost and won again": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 10, "deal.won", lead="l-8", deal="d-8"),
        told(3, 20, "deal.lost", lead="l-8", deal="d-8"),
        told(4, 30, "deal.won", lead="l-8", deal="d-8"),
    ],
    "two deals, of which the first one counts": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 10, "deal.won", lead="l-8", deal="d-8"),
        told(3, 20, "deal.won", lead="l-8", deal="d-9"),
        told(4, 30, "contract.cancelled", lead="l-8", deal="d-9"),
    ],
    "won without a deal, and refunded": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 10, "lead.stage_changed", lead="l-8", stage="won"),
        told(3, 20, "deal.refunded", lead="l-8", deal="d-8"),
    ],
    "lost by its stage": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 10, "deal.won", lead="l-8", deal="d-8"),
        told(3, 20, "lead.stage_changed", lead="l-8", stage="lost"),
    ],
    "won without a deal after a refund, and another deal lost": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 5, "deal.refunded", lead="l-8", deal="d-1"),
        told(3, 10, "lead.stage_changed", lead="l-8", stage="won"),
        told(4, 20, "deal.lost", lead="l-8", deal="d-2"),
    ],
    "won, another deal lost, and won without a deal": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 5, "deal.won", lead="l-8", deal="d-1"),
        told(3, 10, "deal.lost", lead="l-8", deal="d-2"),
        told(4, 20, "lead.stage_changed", lead="l-8", stage="won"),
    ],
    "oneself twice, by a merge": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 5, "contact.merged", "l-8", into="c-anna"),
        told(3, 10, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(4, 15, "referral.submitted", "c-anna", lead=lead("l-9", "wad.example")),
        told(5, 20, "deal.won", lead="l-9", deal="d-9"),
    ],
    "a lead who recommends another turns out to be a referrer": [
        told(1, 0, "deal.won", lead="l-8", deal="d-1"),
        told(2, 5, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(3, 10, "lead.stage_changed", lead="l-9", stage="lost"),
        told(4, 15, "referral.submitted", "c-bram", lead=lead("l-9", "wad.example")),
        told(5, 20, "contact.merged", "l-8", into="c-bram"),
    ],
    "won without a deal under two ids": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 5, "contact.merged", "l-7", into="l-8"),
        told(3, 10, "deal.won", lead="l-7", deal="d-1"),
        told(4, 15, "lead.stage_changed", lead="l-8", stage="won"),
        told(5, 20, "deal.refunded", lead="l-7", deal="d-2"),
    ],
    "oneself, by another record's address": [
        told(1, 0, "contact.updated", "c-twin", email="l-8@duin.example"),
        told(2, 1, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(3, 10, "deal.won", lead="l-8", deal="d-8", value_eur=9000),
        told(4, 20, "contact.merged", "c-twin", into="c-anna"),
    ],
    "oneself, by another record's number": [
        told(1, 0, "contact.updated", "c-twin", phone="+31612345678"),
        told(2, 1, "referral.submitted", "c-anna", lead={**lead("l-8"), "phone": "0612345678"}),
        told(3, 20, "contact.merged", "c-twin", into="c-anna"),
    ],
    "a colleague, by another record's firm": [
        told(1, 0, "contact.updated", "c-twin", email="twin@duin.example"),
        told(2, 1, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(3, 10, "deal.won", lead="l-8", deal="d-8", value_eur=9000),
        told(4, 20, "contact.merged", "c-twin", into="c-anna"),
    ],
    "oneself, by an address of before": [
        told(1, 0, "contact.updated", "c-anna", email="l-8@duin.example"),
        told(2, 1, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(3, 10, "deal.won", lead="l-8", deal="d-8", value_eur=9000),
    ],
    "recommended anew after a loss": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 10, "deal.lost", lead="l-8", deal="d-8"),
        told(3, 20, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(4, 30, "deal.won", lead="l-8", deal="d-8"),
    ],
    "two referrers": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 5, "referral.submitted", "c-bram", lead=lead("l-8")),
        told(3, 10, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(4, 20, "lead.stage_changed", lead="l-8", stage="contacted"),
    ],
    "two referrers and a win": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(2, 5, "referral.submitted", "c-bram", lead=lead("l-8")),
        told(3, 20, "deal.won", lead="l-8", deal="d-8", value_eur=9000),
    ],
    "a colleague first": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-jan", "acme.example")),
        told(2, 5, "referral.submitted", "c-bram", lead=lead("l-jan", "acme.example")),
        told(3, 9, "lead.stage_changed", lead="l-jan", stage="contacted"),
    ],
    "in the pipeline": [
        told(1, 0, "deal.opened", lead="l-8", deal="d-8"),
        told(2, 5, "referral.submitted", "c-anna", lead=lead("l-8")),
        told(3, 10, "deal.won", lead="l-8", deal="d-8", value_eur=9000),
    ],
    "too fast": [
        told(n, n, "referral.submitted", "c-anna", lead=lead(f"l-{n}", f"firm{n}.example"))
        for n in range(1, 8)
    ],
    "a customer by its name": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-pia", "boot.example")),
        {**told(2, 5, "customer.started", on="2025-01-01"), "account": "boot"},
        told(3, 10, "lead.stage_changed", lead="l-pia", stage="contacted"),
    ],
    "a customer already": [
        told(1, 0, "referral.submitted", "c-anna", lead=lead("l-pia", "boot.example")),
        {**told(2, 5, "customer.started", on="2025-01-01"), "account": "boot"},
        {**told(3, 6, "contact.updated", "c-bo", email="bo@boot.example"), "account": "boot"},
        told(4, 10, "lead.stage_changed", lead="l-pia", stage="contacted"),
    ],
}


def play(events: list[Event]) -> Replay:
    """Let events arrive one a minute, long after they happened, and wait for the holds."""
    world = Replay(library(), START + timedelta(hours=1))
    for number, (contact, fields) in enumerate(PEOPLE.items()):
        known = {"id": f"known-{number}", "source": "crm", "contact": contact, "lead": "",
                 "account": "", "time": iso(KNOWN)}  # fmt: skip
        world.event({**known, "type": "contact.updated", "data": fields})
        answer = {"response": contact, "score": 9, "band": "promoter"}
        world.event({**known, "id": f"nps-{number}", "type": "nps.answered", "data": answer})
    for event in events:
        world.advance(world.now + timedelta(minutes=1))
        actor = event["contact"] or event["lead"]
        world.event(dict(event), f"contact/{actor}" if actor else f"account/{event['account']}")
    world.advance(world.now + timedelta(days=20))
    return world


FIELDS = ("verdict", "reason", "stage", "stage_at", "rewarded", "deal", "winback")


def _told_of(referral: dict[str, Any]) -> tuple[str, ...]:
    """Return what counts of a referral: of one that was rejected, why."""
    return FIELDS[:2] if referral["verdict"] == "rejected" else FIELDS


def _named(world: Replay, lead: str) -> str:
    """Return what a lead is called since it was merged, if it was."""
    known = world.states.get(f"contact/{lead}")
    return str(known.doc.get("merged_into", lead)) if known else lead


def ends(world: Replay) -> dict[str, Any]:
    """Return what a story has come to: every referral, every balance."""
    return {
        actor: (
            {
                (_named(world, referral["lead"]["id"]), name): {
                    field: referral[field] for field in _told_of(referral)
                }
                for name, referral in sorted(state.doc.get("referrals", {}).items())
            },
            {k: v for k, v in state.doc.get("balance", {}).items() if v and k != "reversed"},
        )
        for actor, state in sorted(world.states.items())
        if actor.startswith("contact/c-")
    }


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


# -- bounds ----------------------------------------------------------------------------------------


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
