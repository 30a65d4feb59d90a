"""Calls to endpoints over real HTTP: signed, known again by their key, only where they may go."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from standardwebhooks.webhooks import Webhook

from store.dialect import table_of
from store.listings import work
from store.tables import OutboxRow
from tests.workers.gateway import DROP, Gateway, serving
from workers import running
from workers.channels.calls import Call, CallError, HttpCaller, NoCaller
from workers.channels.outbound import Outbound
from workers.trial import Trial
from workflows.load import load_folder, load_programme
from workflows.state import iso

CALLS = Path(__file__).parents[1] / "scenarios" / "programmes" / "calls"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the standard's example
HOST = "shop.example"


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def url(gateway: Gateway) -> Iterator[str]:
    with serving(gateway) as port:
        yield f"http://{HOST}:{port}/orders"


def _caller(url: str, *, private: bool = True, hosts: tuple[str, ...] = (HOST,)) -> HttpCaller:
    outbound = Outbound(hosts, allow_private=private, timeout=5, resolve=lambda *_: ["127.0.0.1"])
    return HttpCaller(outbound, {"TEST_SHOP_URL": url, "TEST_SHOP_SECRET": SECRET})


@pytest.fixture
def trial(tmp_path: Path, url: str) -> Iterator[Trial]:
    """Give a trial whose calls go out for real, at the hour it is: signatures have a date."""
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the verifier reads the clock
    trial = Trial(tmp_path, now)
    trial.apply(load_programme(load_folder(CALLS)))
    trial.app.deliverer.calls.caller = _caller(url)
    yield trial
    trial.close()


def _granted(trial: Trial, number: int) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": f"e-{number}", "source": "test", "type": "favour.granted",
        "time": iso(trial.clock.now()), "subject": f"contact/c-{number}", "data": {"note": "tea"},
    }  # fmt: skip


def _favour(trial: Trial, number: int = 1) -> None:
    trial.publish([_granted(trial, number)])


def _rows(trial: Trial) -> list[Any]:
    with trial.store.reader() as conn:
        rows = conn.execute(sa.select(table_of(OutboxRow))).mappings()
        return [row for row in rows if row["class"] == "call"]


def test_a_call_arrives_signed_with_what_the_step_says(gateway: Gateway, trial: Trial) -> None:
    """The standard's own library verifies it; the body is the step's data, typed."""
    _favour(trial)

    [request] = gateway.requests
    said = Webhook(SECRET).verify(request.body, request.headers)
    at = iso(trial.clock.now())
    assert said == {"who": "c-1", "note": "tea", "stars": 21, "at": at, "vip": False}
    assert request.path == "/orders"
    assert request.headers["idempotency-key"] == request.headers["webhook-id"]
    assert [row["status"] for row in _rows(trial)] == ["sent"]


def test_all_attempts_of_a_call_have_one_key(gateway: Gateway, trial: Trial) -> None:
    """Refused, dropped or answered: whoever gets it again can tell; another call is another."""
    gateway.status = 500
    _favour(trial)
    gateway.status = DROP
    trial.advance(trial.clock.now() + timedelta(minutes=5))
    gateway.status = 200
    trial.advance(trial.clock.now() + timedelta(hours=2))
    _favour(trial, 2)

    *mine, other = gateway.requests
    assert len(mine) == 3
    assert len({request.headers["idempotency-key"] for request in mine}) == 1
    assert len({request.body for request in mine}) == 1
    assert other.headers["idempotency-key"] != mine[0].headers["idempotency-key"]
    times = [int(request.headers["webhook-timestamp"]) for request in mine]
    assert [later - times[0] for later in times] == [0, 300, 7500]


def test_an_endpoint_that_asks_for_time_gets_it(gateway: Gateway, trial: Trial) -> None:
    """Retry-After puts the next attempt off, and never brings it forward."""
    gateway.status, gateway.headers = 429, {"Retry-After": "3600"}
    start = trial.clock.now()
    _favour(trial)

    [row] = _rows(trial)
    assert row["due_at"] == start + timedelta(hours=1)
    assert row["status"] == "pending"


def test_calls_of_one_round_share_a_connection(gateway: Gateway, trial: Trial) -> None:
    """Twelve calls are two bursts and one connection; the next round opens its own."""
    for _ in range(2):
        number = len(gateway.requests)
        trial.app.publish([_granted(trial, number + more) for more in range(12)])
        trial.settle()

    assert len(gateway.requests) == 24
    assert len({request.peer for request in gateway.requests[:12]}) == 1
    assert len({request.peer for request in gateway.requests}) == 2


def test_nobody_is_followed(gateway: Gateway, trial: Trial) -> None:
    """A redirect is an answer like any other failure; where it points is never asked."""
    gateway.status, gateway.headers = 307, {"Location": "/elsewhere"}
    _favour(trial)

    assert [request.path for request in gateway.requests] == ["/orders"]


@pytest.mark.parametrize("why", ["private", "not listed"])
def test_what_may_not_be_reached_fails_at_once(
    why: str, gateway: Gateway, trial: Trial, url: str
) -> None:
    """A private address without the setting, or a host that is not listed: nothing is sent."""
    private = why == "private"
    trial.app.deliverer.calls.caller = _caller(
        url.replace("http://", "https://") if private else url,
        private=not private,
        hosts=(HOST,) if private else ("other.example",),
    )
    _favour(trial)

    [row] = _rows(trial)
    assert gateway.requests == []
    assert (row["status"], row["reason"]) == ("failed", "refused")


def test_a_crash_during_a_call_repeats_it_with_its_key(gateway: Gateway, trial: Trial) -> None:
    """What may have arrived is sent again, known by its key, and told once."""

    class Died(BaseException):
        """The process dies right after the answer."""

    def die(_key: str) -> None:
        raise Died

    trial.app.deliverer.calls.on_call = die  # the moment between answer and record
    with pytest.raises(Died):
        _favour(trial)
    caller = trial.app.deliverer.calls.caller
    trial._caller = caller  # type: ignore[assignment]  # noqa: SLF001 - it goes on over HTTP
    trial.restart()
    trial.settle()

    first, again = gateway.requests
    assert first.headers["idempotency-key"] == again.headers["idempotency-key"]
    assert [(row["status"], row["attempts"]) for row in _rows(trial)] == [("sent", 1)]


def test_a_missing_variable_or_secret_is_said_without_its_value(url: str) -> None:
    """What is not set, or cannot sign, is an attempt that may succeed once it is mended."""
    call = Call("k", "shop", "env:TEST_SHOP_URL", "env:NONE", b"{}", datetime.now(UTC))  # noqa: TID251
    for broken in (call, replace(call, url="env:NONE"), replace(call, secret="whsec_!")):  # noqa: S106
        with pytest.raises(CallError) as caught:
            _caller(url).call(broken)
        assert caught.value.outcome == "retry"
        assert caught.value.status == 0
        assert SECRET not in str(caught.value)
    with pytest.raises(CallError):
        NoCaller().call(call)


def test_a_call_without_a_secret_is_not_signed(gateway: Gateway, url: str) -> None:
    """An endpoint without a secret gets its key and no signature."""
    call = Call("k", "shop", "env:TEST_SHOP_URL", "", json.dumps({}).encode(), datetime.now(UTC))  # noqa: TID251

    caller = _caller(url)
    assert caller.call(call) == 200
    caller.hang_up()
    [request] = gateway.requests
    assert "webhook-signature" not in request.headers
    assert request.headers["idempotency-key"].startswith("msg_")


def test_what_a_call_said_of_somebody_erased_is_emptied(gateway: Gateway, trial: Trial) -> None:
    """A call that waits for its next attempt is not made any more, and keeps no word of theirs."""
    gateway.status = 500
    _favour(trial)
    now = iso(trial.clock.now())
    gone = {"specversion": "1.0", "id": "gone", "source": "test", "time": now, "data": {}}
    trial.publish([{**gone, "type": "contact.erase_requested", "subject": "contact/c-1"}])
    trial.app.forget()
    trial.advance(trial.clock.now() + timedelta(days=2))

    [row] = _rows(trial)
    assert len(gateway.requests) == 1
    assert (row["status"], row["reason"], row["doc"]) == ("skipped", "stopped", {})


@pytest.mark.parametrize("merges", [["12"], ["12", "23"], ["23", "12"]])
def test_a_call_that_a_merge_left_behind_waits_while_its_run_is_paused(
    merges: list[str], gateway: Gateway, trial: Trial
) -> None:
    """The run went on at another record, over one merge or two: a pause of it holds there too."""
    gateway.status = 500
    _favour(trial)
    for merge in merges:
        trial.publish([{
            "specversion": "1.0", "id": f"m-{merge}", "source": "test", "type": "contact.merged",
            "time": iso(trial.clock.now()), "subject": f"contact/c-{merge[0]}",
            "data": {"into": f"c-{merge[1]}"},
        }])  # fmt: skip
    gateway.status = 200
    with trial.store.reader() as conn:
        runs = [row for row in work.runs(conn) if row["status"] == "live"]
    running.say_to_runs(trial.app, "pause", runs, by="u-sam")
    trial.advance(trial.clock.now() + timedelta(days=1))
    asked = len(gateway.requests)
    running.say_to_runs(trial.app, "resume", runs, by="u-sam")
    trial.advance(trial.clock.now() + timedelta(days=1))

    assert asked == 1
    assert len(gateway.requests) == 2
    assert len({each.headers["idempotency-key"] for each in gateway.requests}) == 1


SENT = """workflow: sent
trigger: {event: problem.solved}
steps: [{call: {endpoint: shop, data: {vip: "'vip' in contact.segments"}}}]
"""


def test_a_call_that_an_operator_retries_says_what_it_said(
    gateway: Gateway, trial: Trial, tmp_path: Path
) -> None:
    """Whoever heard an attempt knows the next by its key, so its body must not be another."""
    folder = shutil.copytree(CALLS, tmp_path / "more")
    (folder / "workflows" / "sent.yaml").write_text(SENT)
    trial.apply(load_programme(load_folder(folder)))
    gateway.status = 500
    trial.publish([{**_granted(trial, 1), "type": "problem.solved", "data": {"ticket": "t-1"}}])
    trial.advance(trial.clock.now() + timedelta(days=3))
    segments = {"type": "contact.updated", "data": {"segments": ["vip"]}}
    trial.publish([{**_granted(trial, 1), "id": "e-2", **segments}])
    gateway.status = 200
    with trial.store.reader() as conn:
        failed = [row for row in work.runs(conn) if row["ended_as"] == "failed"]
    running.retry_runs(trial.app, failed, by="u-sam")
    trial.settle()

    assert len(gateway.requests) == 5
    assert len({each.headers["idempotency-key"] for each in gateway.requests}) == 1
    assert {each.body for each in gateway.requests} == {b'{"vip":false}'}
