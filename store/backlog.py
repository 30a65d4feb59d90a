"""How much waits to be handled."""

from sqlalchemy.engine import Connection

from store.statement import Statement

_WORDS = "SELECT count(*) FROM (SELECT 1 FROM inbox LIMIT ?) waiting"
_WAITING = Statement(_WORDS, _WORDS.replace("?", "%s"))


def inbox_length(conn: Connection, *, at_most: int) -> int:
    """Return how many inbox rows wait, counting no further than `at_most` + 1.

    The bound keeps the question cheap when it matters most: when the inbox is long.
    """
    ((waiting,),) = _WAITING.rows(conn, at_most + 1)
    return int(waiting)
