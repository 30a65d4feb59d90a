"""Events over HTTP in each content mode: structured, binary, a batch, by many at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from tests.workers.http.publishing import AUTH, BATCH, event, publish
from tests.workers.web_world import NOW, World


def test_structured_event_is_committed_and_said_to_be(both: World) -> None:
    """One event in the body is answered 202 with its verdict, and is in the inbox."""
    answer = publish(both.client, event())

    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": 1,
        "duplicates": 0,
        "rejected": 0,
        "events": [{"id": "evt-1", "type": "project.delivered", "status": "accepted"}],
    }
    assert both.inbox() == ["contact/c-anna"]


def test_batch_has_a_verdict_an_event_and_the_bad_harm_no_others(both: World) -> None:
    """A batch with a duplicate and a bad one is 202: each is judged by itself, in order."""
    bad = event(id="2", data={})

    answer = publish(both.client, [event(), event(), bad, event(id="3")], BATCH)

    told = answer.json()
    assert answer.status_code == 202
    assert (told["accepted"], told["duplicates"], told["rejected"]) == (2, 1, 1)
    assert [each["status"] for each in told["events"]] == [
        "accepted", "duplicate", "rejected", "accepted",
    ]  # fmt: skip
    assert (told["events"][2]["reason"], told["events"][2]["field"]) == (
        "missing",
        "data.project_id",
    )


def test_binary_event_has_its_attributes_in_headers(web: World) -> None:
    """`ce-` headers and a JSON body are one event."""
    headers = {
        **AUTH,
        "ce-specversion": "1.0",
        "ce-id": "b-1",
        "ce-source": "crm",
        "ce-type": "project.delivered",
        "ce-subject": "contact/c-anna",
        "Content-Type": "application/json",
    }

    answer = web.client.post("/events", content=b'{"project_id": "p-1"}', headers=headers)

    assert answer.status_code == 202
    assert web.events()[0]["data"] == {"project_id": "p-1"}


def test_official_sdk_is_understood_in_both_modes(web: World) -> None:
    """The CloudEvents SDK's structured and binary messages are events, and each counts once."""
    attributes = {
        "type": "project.delivered",
        "source": "crm",
        "subject": "contact/c-anna",
        "specversion": "1.0",
        "time": NOW - timedelta(hours=1),
    }
    first = CloudEvent({**attributes, "id": "sdk-1"}, {"project_id": "p-1"})
    second = CloudEvent({**attributes, "id": "sdk-2"}, {"project_id": "p-2"})

    messages = [to_structured_event(first), to_binary_event(second), to_binary_event(second)]
    answers = [
        web.client.post("/events", content=m.body, headers={**m.headers, **AUTH}) for m in messages
    ]

    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert answers[2].json()["duplicates"] == 1
    assert [e["data"] for e in web.events()] == [{"project_id": "p-1"}, {"project_id": "p-2"}]


def test_concurrent_publishers_lose_nothing(both: World) -> None:
    """Sixty requests on eight connections at once: every 202 is an event in the database."""
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda n: publish(both.client, event(id=str(n % 50))), range(60))
        )

    assert {answer.status_code for answer in answers} == {202}
    assert sum(answer.json()["accepted"] for answer in answers) == 50
    assert len(both.events()) == 50
