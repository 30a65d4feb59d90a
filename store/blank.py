"""A new SQLite file with the schema and nothing in it, for whoever needs many of them."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from store.db import Store


def write_blank(path: Path) -> None:
    """Write a SQLite file that is migrated and empty.

    It is a copy of one that was migrated once in this process: going through all migrations
    takes longer than playing most scenarios does.
    """
    path.write_bytes(_blank())


@cache
def _blank() -> bytes:
    with TemporaryDirectory(prefix="vouch-blank-") as folder:
        path = Path(folder) / "blank.db"
        store = Store.open(f"sqlite:///{path}", durable=False)
        store.migrate()
        store.close()  # the last to leave puts everything into the one file
        return path.read_bytes()
