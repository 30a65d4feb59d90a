"""API keys: added once, found by their secret's hash until revoked."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from store import keys
from store.db import Store
from store.keys import ApiKey, KeyExistsError
from tests.conformance.rows import NOW


def add(conn: sa.Connection, name: str, secret_hash: str) -> ApiKey:
    return keys.add(
        conn, name=name, secret_hash=secret_hash, sources=["crm"], types=["deal.won"], now=NOW
    )


def test_a_key_is_found_by_its_hash(store: Store) -> None:
    """A key brings its rights; an unknown secret brings nothing."""
    with store.transaction() as conn:
        added = add(conn, "crm", "hash-1")

        assert keys.find(conn, "hash-1") == added == ApiKey("crm", ("crm",), ("deal.won",), NOW)
        assert keys.find(conn, "hash-2") is None


def test_a_revoked_key_opens_nothing(store: Store) -> None:
    """Revoked, it is not found, and stays in the list with when that was."""
    later = NOW + timedelta(days=1)
    with store.transaction() as conn:
        add(conn, "crm", "hash-1")
        add(conn, "app", "hash-2")

        assert keys.revoke(conn, "crm", now=later)
        assert not keys.revoke(conn, "crm", now=later + timedelta(days=1))
        assert not keys.revoke(conn, "unknown", now=later)

        assert keys.find(conn, "hash-1") is None
        assert keys.find(conn, "hash-2") is not None
        assert [(key.name, key.revoked_at) for key in keys.listed(conn)] == [
            ("app", None),
            ("crm", later),
        ]


def test_a_name_means_one_key_for_good(store: Store) -> None:
    """A name cannot be given twice, not even after the key was revoked."""
    with store.transaction() as conn:
        add(conn, "crm", "hash-1")
        keys.revoke(conn, "crm", now=NOW)

        with pytest.raises(KeyExistsError):
            add(conn, "crm", "hash-2")
        assert keys.find(conn, "hash-2") is None
