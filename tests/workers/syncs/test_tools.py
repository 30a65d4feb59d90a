"""Scores to other systems over real HTTP, each by its own interface."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tests.workers.gateway import Gateway
from tests.workers.gateway import serving as serving_gateway
from tests.workers.syncs.speaking import ANNA, DAAN, SECRET, STARS, targets_at
from tests.workers.tools import Tools
from workers.channels.calls import CallError
from workers.channels.targets import Person, TargetMissingError, Update


def _update(target: str, person: Person = ANNA, side: Any = "contact", **fields: Any) -> Update:
    now = datetime.now(UTC)  # noqa: TID251 - the verifier of signatures reads the clock
    return Update(f"contact/{person.id}/sync/{target}/1", 1, target, side, person, fields, now)


def test_mailchimp_gets_merge_fields_and_tags(tools: Tools, port: int) -> None:
    """Numbers and texts are merge fields of the member, what is true or false is a tag."""
    status = targets_at(port).send(
        _update("mailchimp", STARS=20, LEVEL="gold", SINCE=None, vip=True)
    )

    assert status == 204
    assert tools.members["anna@acme.example"] == {
        "merge_fields": {"STARS": 20, "LEVEL": "gold", "SINCE": ""},
        "tags": {"vip"},
    }
    assert tools.asked[0].headers["authorization"] == "Basic dm91Y2g6a2V5LXVzMjE="
    assert tools.asked[0].path.endswith("?skip_merge_validation=true")

    targets_at(port).send(_update("mailchimp", vip=False))
    assert tools.members["anna@acme.example"]["tags"] == set()


def test_campaign_monitor_gets_custom_fields(tools: Tools, port: int) -> None:
    """Values are text there; nobody is subscribed again, and tracking stays as it was."""
    targets_at(port).send(_update("campaign_monitor", Stars=60, Level=""))

    assert tools.subscribers["Anna@acme.example"] == {
        "Stars": 60, "Level": "", "consent": "Unchanged",
    }  # fmt: skip
    [asked] = tools.asked
    assert asked.headers["authorization"] == "Basic Y20ta2V5Ong="
    assert asked.body["Resubscribe"] is False
    assert {"Key": "Level", "Value": "", "Clear": True} in asked.body["CustomFields"]


def test_pipedrive_gets_a_persons_fields(tools: Tools, port: int) -> None:
    """A company's own fields stand apart from Pipedrive's; the person is found by address."""
    fields: dict[str, Any] = {STARS: 60, "label": "fan"}
    targets_at(port).send(_update("pipedrive", **fields))

    assert tools.persons[7]["custom_fields"] == {STARS: 60}
    assert tools.persons[7]["label"] == "fan"
    assert {asked.headers["x-api-token"] for asked in tools.asked} == {"pd-token"}


def test_a_lead_becomes_a_person_and_a_deal_once(tools: Tools, port: int) -> None:
    """What an attempt made that nobody recorded is found by the next one, and set anew."""
    targets_at(port).send(_update("pipedrive", DAAN, "lead", **{STARS: "c-anna"}))
    targets_at(port).send(_update("pipedrive", DAAN, "lead", **{STARS: "c-bram"}))

    (person,) = (p for p in tools.persons.values() if p["name"] == "Daan")
    assert person["emails"][0]["value"] == "daan@polder.example"
    (deal,) = tools.deals.values()
    assert (deal["title"], deal["person_id"]) == ("Polder", person["id"])
    assert deal["custom_fields"] == {STARS: "c-bram"}


def test_a_lead_with_a_number_only_is_found_again(tools: Tools, port: int) -> None:
    """Somebody without an address is made once as well."""
    eef = Person("l-eef", "Eef", phone="+31612345678")
    for code in ("A", "B"):
        targets_at(port).send(_update("pipedrive", eef, "lead", **{STARS: code}))

    assert [p["name"] for p in tools.persons.values()].count("Eef") == 1
    (deal,) = tools.deals.values()
    assert deal["custom_fields"] == {STARS: "B"}


def test_what_is_told_of_a_lead_later_makes_no_second_deal(tools: Tools, port: int) -> None:
    """A deal that is won by then is the one it is told of; a first word makes a deal of its own."""
    first = _update("pipedrive", DAAN, "lead", **{STARS: "c-anna"})
    targets_at(port).send(first)
    (deal,) = tools.deals.values()
    deal["status"] = "won"

    targets_at(port).send(replace(first, number=2, fields={STARS: "c-bram"}))
    assert [d["custom_fields"] for d in tools.deals.values()] == [{STARS: "c-bram"}]

    targets_at(port).send(first)
    assert len(tools.deals) == 2


@pytest.mark.parametrize("target", ["mailchimp", "campaign_monitor", "pipedrive"])
def test_nobody_is_made_a_member_by_us(target: str, tools: Tools, port: int) -> None:
    """Who is not on the list, or no person of the CRM's, stays unknown there."""
    stranger = Person("c-bram", "Bram", email="bram@wal.example")
    for who in (stranger, Person("c-gijs", "Gijs")):
        with pytest.raises(CallError) as caught:
            targets_at(port).send(_update(target, who, STARS=1))
        assert caught.value.unknown
        assert caught.value.outcome == "refused"
    assert len(tools.members) == len(tools.subscribers) == len(tools.persons) == 1


def test_a_webhook_is_signed_and_named_by_what_it_says() -> None:
    """The standard's own library verifies it; the same words have the same id, newer ones not."""
    gateway = Gateway()
    with serving_gateway(gateway) as port:
        for stars in (20, 20, 30):
            targets_at(port).send(_update("crm", DAAN, "lead", stars=stars))

    first, again, newer = gateway.requests
    said = Webhook(SECRET).verify(first.body, first.headers)
    assert said["type"] == "lead.synced"
    assert said["data"]["lead"]["email"] == "daan@polder.example"
    assert said["data"]["fields"] == {"stars": 20}
    assert first.headers["idempotency-key"] == again.headers["idempotency-key"]
    assert first.headers["idempotency-key"] != newer.headers["idempotency-key"]


def test_what_is_not_set_waits(port: int) -> None:
    """Without address or key, or with an address of nobody we know, it may go well another day."""
    for name in ("VOUCH_SYNC_TOOL", "VOUCH_SYNC_TOOL_SECRET"):
        with pytest.raises(TargetMissingError, match=name):
            targets_at(port, **{name: ""}).send(_update("tool"))
    for address in ("https://x.example", "fax://x.example", "webhook://", "webhook://[x"):
        with pytest.raises(TargetMissingError):
            targets_at(port, VOUCH_SYNC_TOOL=address).send(_update("tool"))
