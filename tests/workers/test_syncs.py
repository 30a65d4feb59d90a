"""Scores to other systems over real HTTP, against tools that speak their documented interfaces."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from standardwebhooks.webhooks import Webhook

from store.dialect import table_of
from store.tables import OutboxRow
from tests.workers.gateway import Gateway
from tests.workers.gateway import serving as serving_gateway
from tests.workers.tools import Tools, serving
from workers.channels.calls import CallError
from workers.channels.outbound import Outbound
from workers.channels.targets import HttpTargets, Person, TargetMissingError, Update
from workers.trial import Trial
from workflows.load import load_folder, load_programme
from workflows.state import iso

SCORES = Path(__file__).parents[1] / "scenarios" / "programmes" / "scores"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the standard's example
HOST = "tools.example"
STARS = "0123456789012345678901234567890123456789"
"""The key of a field of Pipedrive's that the company made itself."""
ANNA = Person("c-anna", "Anna de Vries", "Anna", "de Vries", "Anna@acme.example")
DAAN = Person("l-daan", "Daan", email="daan@polder.example", company="Polder")


@pytest.fixture
def tools() -> Tools:
    return Tools(
        members={"anna@acme.example": {}},
        subscribers={"Anna@acme.example": {}},
        persons={7: {"id": 7, "name": "Anna", "emails": [{"value": "Anna@acme.example"}]}},
    )


@pytest.fixture
def port(tools: Tools) -> Iterator[int]:
    with serving(tools) as port:
        yield port


def _targets(port: int, **more: str) -> HttpTargets:
    outbound = Outbound([HOST], allow_private=True, timeout=5, resolve=lambda *_: ["127.0.0.1"])
    at = f"+http://{HOST}:{port}"
    return HttpTargets(
        outbound,
        {
            "VOUCH_SYNC_MAILCHIMP": f"mailchimp{at}/L1",
            "VOUCH_SYNC_MAILCHIMP_SECRET": "key-us21",
            "VOUCH_SYNC_CAMPAIGN_MONITOR": f"campaignmonitor{at}/CM1",
            "VOUCH_SYNC_CAMPAIGN_MONITOR_SECRET": "cm-key",
            "VOUCH_SYNC_PIPEDRIVE": f"pipedrive{at}",
            "VOUCH_SYNC_PIPEDRIVE_SECRET": "pd-token",
            "VOUCH_SYNC_TOOL": f"mailchimp{at}/L1",
            "VOUCH_SYNC_TOOL_SECRET": "key-us21",
            "VOUCH_SYNC_CRM": f"webhook{at}/vouch",
            "VOUCH_SYNC_CRM_SECRET": SECRET,
            **more,
        },
    )


def _update(target: str, person: Person = ANNA, side: Any = "contact", **fields: Any) -> Update:
    now = datetime.now(UTC)  # noqa: TID251 - the verifier of signatures reads the clock
    return Update(f"contact/{person.id}/sync/{target}/1", 1, target, side, person, fields, now)


# -- each by its own interface ---------------------------------------------------------------------


def test_mailchimp_gets_merge_fields_and_tags(tools: Tools, port: int) -> None:
    """Numbers and texts are merge fields of the member, what is true or false is a tag."""
    status = _targets(port).send(_update("mailchimp", STARS=20, LEVEL="gold", SINCE=None, vip=True))

    assert status == 204
    assert tools.members["anna@acme.example"] == {
        "merge_fields": {"STARS": 20, "LEVEL": "gold", "SINCE": ""},
        "tags": {"vip"},
    }
    assert tools.asked[0].headers["authorization"] == "Basic dm91Y2g6a2V5LXVzMjE="
    assert tools.asked[0].path.endswith("?skip_merge_validation=true")

    _targets(port).send(_update("mailchimp", vip=False))
    assert tools.members["anna@acme.example"]["tags"] == set()


def test_campaign_monitor_gets_custom_fields(tools: Tools, port: int) -> None:
    """Values are text there; nobody is subscribed again, and tracking stays as it was."""
    _targets(port).send(_update("campaign_monitor", Stars=60, Level=""))

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
    _targets(port).send(_update("pipedrive", **fields))

    assert tools.persons[7]["custom_fields"] == {STARS: 60}
    assert tools.persons[7]["label"] == "fan"
    assert {asked.headers["x-api-token"] for asked in tools.asked} == {"pd-token"}


def test_a_lead_becomes_a_person_and_a_deal_once(tools: Tools, port: int) -> None:
    """What an attempt made that nobody recorded is found by the next one, and set anew."""
    _targets(port).send(_update("pipedrive", DAAN, "lead", **{STARS: "c-anna"}))
    _targets(port).send(_update("pipedrive", DAAN, "lead", **{STARS: "c-bram"}))

    (person,) = (p for p in tools.persons.values() if p["name"] == "Daan")
    assert person["emails"][0]["value"] == "daan@polder.example"
    (deal,) = tools.deals.values()
    assert (deal["title"], deal["person_id"]) == ("Polder", person["id"])
    assert deal["custom_fields"] == {STARS: "c-bram"}


@pytest.mark.parametrize("target", ["mailchimp", "campaign_monitor", "pipedrive"])
def test_nobody_is_made_a_member_by_us(target: str, tools: Tools, port: int) -> None:
    """Who is not on the list, or no person of the CRM's, stays unknown there."""
    stranger = Person("c-bram", "Bram", email="bram@wal.example")
    for who in (stranger, Person("c-gijs", "Gijs")):
        with pytest.raises(CallError) as caught:
            _targets(port).send(_update(target, who, STARS=1))
        assert caught.value.unknown
        assert caught.value.outcome == "refused"
    assert len(tools.members) == len(tools.subscribers) == len(tools.persons) == 1


def test_a_webhook_is_signed_and_named_by_what_it_says() -> None:
    """The standard's own library verifies it; the same words have the same id, newer ones not."""
    gateway = Gateway()
    with serving_gateway(gateway) as port:
        for stars in (20, 20, 30):
            _targets(port).send(_update("crm", DAAN, "lead", stars=stars))

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
            _targets(port, **{name: ""}).send(_update("tool"))
    for address in ("https://x.example", "fax://x.example", "webhook://", "webhook://[x"):
        with pytest.raises(TargetMissingError):
            _targets(port, VOUCH_SYNC_TOOL=address).send(_update("tool"))


# -- the way of one --------------------------------------------------------------------------------


@pytest.fixture
def trial(tmp_path: Path, port: int) -> Iterator[Trial]:
    """Give a trial whose syncs of `tool` go to a Mailchimp list for real."""
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the verifier reads the clock
    trial = Trial(tmp_path, now)
    trial.apply(load_programme(load_folder(SCORES)))
    trial._targets = _targets(port)  # type: ignore[assignment]  # noqa: SLF001 - kept at a restart
    trial.restart()
    yield trial
    trial.close()


def _points(trial: Trial, points: int) -> None:
    _say(trial, "contact.updated", points=points, email="anna@acme.example")


def _say(trial: Trial, kind: str, **data: Any) -> None:
    now = trial.clock.now()
    trial.publish([{
        "specversion": "1.0", "id": f"{kind}-{iso(now)}-{data.get('points')}", "source": "test",
        "type": kind, "time": iso(now), "subject": "contact/c-a", "data": data,
    }])  # fmt: skip


def _rows(trial: Trial) -> list[Any]:
    with trial.store.reader() as conn:
        rows = conn.execute(sa.select(table_of(OutboxRow))).mappings()
        return [row for row in rows if row["to"] == "sync/tool"]


def _later(trial: Trial, **span: int) -> None:
    trial.advance(trial.clock.now() + timedelta(**span))


def _stars(tools: Tools) -> Any:
    return tools.members["anna@acme.example"].get("merge_fields", {}).get("POINTS")


def _to_list(tools: Tools) -> list[Any]:
    return [asked for asked in tools.asked if asked.method == "PATCH"]


def test_what_changes_within_the_window_is_one_request(tools: Tools, trial: Trial) -> None:
    """Two changes inside `collect` are one request, at its end, with the last value."""
    _points(trial, 20)
    _later(trial, minutes=3)
    _points(trial, 60)
    _later(trial, minutes=1, seconds=59)
    assert _to_list(tools) == []
    _later(trial, seconds=1)

    assert _stars(tools) == 60
    assert len(_to_list(tools)) == 1
    assert [row["status"] for row in _rows(trial)] == ["sent"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_retry_says_the_newest(status: int, tools: Tools, trial: Trial) -> None:
    """What changed since the refusal is in the next attempt; the older value is never sent."""
    _points(trial, 20)
    _later(trial, minutes=4, seconds=59)
    tools.asked.clear()
    tools.failing = [(status, {})]
    _later(trial, seconds=1)
    _points(trial, 60)
    _later(trial, hours=1)

    assert _stars(tools) == 60
    bodies = [asked.body["merge_fields"]["POINTS"] for asked in _to_list(tools)]
    assert bodies == [20, 60]
    assert len(_rows(trial)) == 1


def test_retry_after_is_obeyed(tools: Tools, trial: Trial) -> None:
    """Who is asked for two hours waits two hours, though the first retry is after a minute."""
    _points(trial, 20)
    _later(trial, minutes=4, seconds=59)
    tools.failing = [(429, {"Retry-After": "7200"})]
    _later(trial, seconds=1)

    [row] = _rows(trial)
    assert row["due_at"] == trial.clock.now() + timedelta(hours=2)
    assert row["status"] == "pending"
    _later(trial, hours=2)
    assert _stars(tools) == 20


def test_a_change_during_the_request_follows_it(tools: Tools, trial: Trial) -> None:
    """What changes between the claim and the record is found different, and goes out next."""

    def change(_key: str) -> None:
        trial.app.deliverer.syncs.on_call = lambda _key: None
        _points(trial, 90)

    _points(trial, 20)
    trial.app.deliverer.syncs.on_call = change
    _later(trial, minutes=5)
    _later(trial, minutes=5)

    assert [asked.body["merge_fields"]["POINTS"] for asked in _to_list(tools)] == [20, 90]
    assert [row["status"] for row in _rows(trial)] == ["sent", "sent"]


def test_a_crash_after_the_answer_repeats_it(tools: Tools, trial: Trial) -> None:
    """What nobody recorded is said again, with what is newest by then."""

    class Died(BaseException):
        """The process dies right after the answer."""

    def die(_key: str) -> None:
        raise Died

    _points(trial, 20)
    trial.app.deliverer.syncs.on_call = die
    with pytest.raises(Died):
        _later(trial, minutes=5)
    trial.restart()
    trial.settle()

    assert len(_to_list(tools)) == 2
    assert _stars(tools) == 20
    assert [row["status"] for row in _rows(trial)] == ["sent"]


def test_what_is_refused_is_given_up_until_it_changes(tools: Tools, trial: Trial) -> None:
    """A field that the list does not have fails at once; the next value is a new try."""
    _points(trial, 20)
    _later(trial, minutes=4, seconds=59)
    tools.failing = [(400, {})]
    _later(trial, days=1)
    assert [(row["status"], row["reason"]) for row in _rows(trial)] == [("failed", "refused")]
    _points(trial, 30)
    _later(trial, minutes=5)

    assert _stars(tools) == 30


def test_attempts_end(tools: Tools, trial: Trial) -> None:
    """After the last retry it has failed, and an operator finds it."""
    _points(trial, 20)
    _later(trial, minutes=4, seconds=59)
    tools.failing = [(503, {})] * 20
    _later(trial, days=10)

    [row] = _rows(trial)
    assert (row["status"], row["reason"], row["attempts"]) == ("failed", "attempts", 8)


def test_what_waits_from_before_an_erasure_never_follows_something_newer(
    tools: Tools, trial: Trial
) -> None:
    """Somebody forgotten who came back is told of by a new row; the old one's retry is dropped."""
    _points(trial, 20)
    _later(trial, minutes=4, seconds=59)
    tools.failing = [(503, {})] * 4
    _later(trial, minutes=40)
    _say(trial, "contact.erase_requested")
    _later(trial, minutes=1)
    _say(trial, "optin.confirmed")
    _points(trial, 90)
    _later(trial, days=1)

    assert _stars(tools) == 90
    rows = sorted(_rows(trial), key=lambda row: str(row["key"]))
    assert [(row["status"], row["reason"]) for row in rows] == [
        ("skipped", "overtaken"),
        ("sent", ""),
    ]


def test_a_target_without_address_waits_and_then_says_the_newest(
    tools: Tools, trial: Trial, port: int
) -> None:
    """Nothing fails while nobody said where it is; once it is said, the newest is sent."""
    targets = trial.app.deliverer.syncs.targets
    trial.app.deliverer.syncs.targets = _targets(port, VOUCH_SYNC_TOOL="")
    _points(trial, 20)
    _later(trial, days=3)
    _points(trial, 70)
    assert [row["status"] for row in _rows(trial)] == ["pending"]
    trial.app.deliverer.syncs.targets = targets
    _later(trial, hours=1)

    assert _stars(tools) == 70
    assert len(_to_list(tools)) == 1
