"""`vouch doctor`: it finds what lacks, names the remedy, and is content with what is well."""

import re
import sqlite3
from pathlib import Path

import psycopg
import pytest
import redis

from tests.services import libpq
from tests.workers.conftest import Ready
from tests.workers.shell import Shell, event, shipped


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Give an empty folder to type in."""
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path)


@pytest.fixture
def started(ready: Ready) -> Shell:
    """Give a folder with the shipped programme applied, and a database."""
    return ready(shipped)


def test_doctor_says_what_lacks(shell: Shell) -> None:
    """It finds an empty folder wanting, and the same folder well once it is set up."""
    before = shell("doctor", "--format", "json")
    for words in (["init", "programme"], ["migrate"], ["apply", "programme"]):
        shell(*words)
    after = shell("doctor", "--format", "json")

    assert before.code == 1
    assert {look["about"] for look in before.json() if look["state"] == "error"} == {"schema"}
    assert after.code == 0
    looks = {look["about"]: look for look in after.json()}
    assert looks["programme"]["state"] == "ok"
    lacking = {look["said"]: look["remedy"] for look in after.json() if look["about"] == "secrets"}
    assert "webhooks" in lacking["VOUCH_DELIGHTED_SECRET is not set"]
    assert "calls fail" in lacking["VOUCH_FULFILMENT_URL is not set"]


def test_doctor_sees_what_does_not_answer(started: Shell) -> None:
    """A queue and a mail server that are not there are errors, each with its remedy."""
    started.env |= {"VOUCH_REDIS_URL": "redis://:hush-hush@127.0.0.1:1/0",
                    "VOUCH_SMTP_URL": "smtp://vouch:hush-hush@127.0.0.1:1"}  # fmt: skip

    said = started("doctor", "--format", "json")

    wrong = {look["about"]: look["remedy"] for look in said.json() if look["state"] == "error"}
    assert said.code == 1
    assert wrong.keys() == {"queue", "mail", "signing keys"}
    assert all(wrong.values())
    assert "hush-hush" not in said.out + started("doctor").out


def test_doctor_sees_that_nobody_handles_what_waits(started: Shell) -> None:
    """An event that waits for minutes means that no worker drains."""
    started("publish", "-", given=event(1, "nps.answered", response="r", score=9))
    fresh = started("doctor", "--format", "json").json()
    _age_inbox(started)
    old = started("doctor", "--format", "json")

    assert {look["about"]: look["state"] for look in fresh}["workers"] == "ok"
    assert {look["about"]: look["state"] for look in old.json()}["workers"] == "error"
    assert old.code == 1


def _age_inbox(shell: Shell) -> None:
    """Make what waits older: only the database can say since when it does."""
    with sqlite3.connect(shell.folder / "vouch.db") as conn:
        (at,) = conn.execute("select accepted_at from inbox").fetchone()
        older = at - 600_000_000 if isinstance(at, int) else re.sub(r"^\d{4}", "2020", at)
        conn.execute("update inbox set accepted_at = ?", (older,))


def test_doctor_sees_an_endpoint_that_may_not_be_called(started: Shell) -> None:
    """A host that is not on the list is told before the first call to it fails."""
    address = {"VOUCH_FULFILMENT_URL": "https://hooks.shop.example/in"}
    started.env |= address
    refused = started("doctor", "--format", "json").json()
    started.env |= {"VOUCH_ALLOWED_HOSTS": "*.shop.example"}
    allowed = started("doctor", "--format", "json").json()

    (look,) = [look for look in refused if look["about"] == "endpoints"]
    assert look["state"] == "warning"
    assert "hooks.shop.example" in look["remedy"]
    assert "endpoints" not in {look["about"] for look in allowed}


def test_doctor_sees_a_migration_that_was_broken_off(shell: Shell, pg: str) -> None:
    """A schema that is behind, with an index that was begun: both are told, with what helps."""
    broken = (
        "UPDATE alembic_version SET version_num = '0004'",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_outbox_doubt'::regclass",
    )
    with psycopg.connect(libpq(pg), autocommit=True) as conn:
        for statement in broken:
            conn.execute(statement)
    shell.env["VOUCH_DATABASE_URL"] = pg

    said = shell("doctor", "--format", "json")

    behind, unfinished = [look for look in said.json() if look["about"] == "schema"]
    assert said.code == 1
    assert "0004" in behind["said"]
    assert "ix_outbox_doubt" in unfinished["said"]
    assert "vouch migrate" in behind["remedy"]
    assert "vouch migrate" in unfinished["remedy"]


def test_doctor_looks_on_where_a_setting_is_wrong(started: Shell) -> None:
    """An address that names no database is one of its findings, and no end of the list."""
    for address in ("postgresqlx://host/db", "sqlite://", "sqlite+cipher:///vouch.db"):
        started.env |= {"VOUCH_DATABASE_URL": address}
        said = started("doctor", "--format", "json")

        looks = {look["about"]: look for look in said.json()}
        assert (said.code, looks["database"]["state"]) == (1, "error")
        assert "postgresql://" in looks["database"]["remedy"]
        assert "mail" in looks


def test_doctor_sees_what_nobody_reads_or_can_write(started: Shell) -> None:
    """A name we do not have, a folder that is a file, a programme that is gone: all are told."""
    started.env |= {"VOUCH_SMTP_HOST": "mail", "VOUCH_MAIL_FOLDER": "vouch.db/mail",
                    "VOUCH_PROGRAMME": "gone", "VOUCH_DELIGHTED_SECRET": "s"}  # fmt: skip

    said = started("doctor", "--format", "json")

    told = {look["said"]: look["state"] for look in said.json()}
    assert told["VOUCH_SMTP_HOST is set, and nothing reads it"] == "warning"
    assert told["nothing can be written into vouch.db/mail"] == "error"
    assert told["no folder gone: VOUCH_PROGRAMME"] == "warning"
    assert not [said for said in told if "DELIGHTED" in said]


def test_doctor_sees_a_gateway_that_may_not_be_called(started: Shell) -> None:
    """The SMS gateway has a look of its own: its secret, and whether its host is allowed."""
    started.env |= {"VOUCH_SMS_URL": "https://sms.example.com/send"}
    unsigned = started("doctor", "--format", "json").json()
    started.env |= {"VOUCH_SMS_SECRET": "whsec_" + "c2VjcmV0" * 4}
    refused = started("doctor", "--format", "json").json()
    started.env |= {"VOUCH_ALLOWED_HOSTS": "sms.example.com"}
    allowed = started("doctor", "--format", "json").json()

    said = [next(look for look in looks if look["about"] == "sms")
            for looks in (unsigned, refused, allowed)]  # fmt: skip
    assert [look["state"] for look in said] == ["error", "error", "ok"]
    assert "VOUCH_SMS_SECRET" in said[0]["remedy"]
    assert "VOUCH_ALLOWED_HOSTS" in said[1]["remedy"]


def test_doctor_counts_messages_that_are_no_events(started: Shell, redis_url: str) -> None:
    """What a producer sent in another shape is kept in Redis, and one look tells of it."""
    with redis.Redis.from_url(redis_url) as client:
        client.hset("dramatiq:events.XQ.msgs", "5f1c", "{}")
    started.env |= {"VOUCH_REDIS_URL": redis_url}

    looks = started("doctor", "--format", "json").json()

    queue = [look for look in looks if look["about"] == "queue"]
    assert [look["state"] for look in queue] == ["ok", "warning"]
    assert queue[1]["said"].endswith("set aside: 1")


def test_a_newer_database_is_not_migrated(started: Shell) -> None:
    """What a later version migrated is left alone, and whoever types is told why."""
    with sqlite3.connect(started.folder / "vouch.db") as conn:
        conn.execute("update alembic_version set version_num = '9999'")

    said = started("migrate")

    assert said.code == 2
    assert "newer than this version's" in said.err
    assert "mistake" not in said.err
