"""What an operator types about contests, and what follows."""

from typing import Any

import pytest

from store import contacts
from store.db import Store
from tests.workers.conftest import Ready
from tests.workers.shell import Shell, event, shipped
from workflows.domain.contest_draw import order_of
from workflows.state import Doc

NAME = "autumn27"
SEED = "published before"
AT = "2027-09-02T09:00:00Z"
ENTRIES = {"c-anna": 3, "c-bram": 2}


@pytest.fixture
def shell(ready: Ready) -> Shell:
    """Give a folder whose contest was frozen, and not drawn: its seed is not there."""
    return ready(shipped, _before)


def _before(shell: Shell) -> None:
    people = [
        event(n, "contact.updated", f"contact/{who}", name=who) for n, who in enumerate(ENTRIES, 1)
    ]
    assert shell("publish", "-", given="\n".join(people)).code == 0
    shell.work()


def _stand(shell: Shell, **more: Any) -> None:
    standings = {who: {"entries": n, "reached": AT} for who, n in ENTRIES.items()}
    doc: Doc = {"standings": standings, **more}
    store = Store.open(f"sqlite:///{shell.folder / 'vouch.db'}")
    with store.transaction() as conn:
        contacts.seed(conn, {f"contest/{NAME}": doc}, [])
    store.close()


def test_a_contest_is_shown_with_what_proves_its_draw(shell: Shell) -> None:
    """Standings, order and seed are there, so that anybody can count the draw again."""
    order = order_of(SEED, NAME, ENTRIES)
    _stand(shell, frozen=AT, entries_sha256="abc",
           drawn={"at": AT, "order": order, "winners": order[:1], "seed": SEED})  # fmt: skip

    (row,) = shell("contests", "list", "--format", "json").json()
    whole = shell("contests", "show", NAME, "--format", "json").json()
    again = shell("contests", "draw", NAME)

    assert (row["contacts"], row["entries"], row["winners"]) == (2, 5, order[:1])
    assert whole["seed"] == SEED
    assert [each["contact"] for each in whole["leaderboard"]] == ["c-anna", "c-bram"]
    assert [each["contact"] for each in whole["leaderboard"] if each["won"]] == order[:1]
    assert shell("contests", "show", NAME).code == 0
    assert again.out == f"drawn already, and won by {order[0]}\n"


def test_a_winner_who_may_not_win_gives_way_to_the_next(shell: Shell) -> None:
    """Said twice it is said once; who takes no part cannot be taken out."""
    order = order_of(SEED, NAME, ENTRIES)
    _stand(shell, frozen=AT, drawn={"at": AT, "order": order, "winners": order[:1], "seed": SEED})

    said = [shell("contests", "disqualify", NAME, order[0]).out for _ in range(2)]
    shell.work()
    stranger = shell("contests", "disqualify", NAME, "c-nobody")

    assert said == [f"{order[0]} is out\n", f"{order[0]} was out already\n"]
    assert shell("contests", "show", NAME, "--format", "json").json()["winners"] == [order[1]]
    assert (stranger.code, "takes no part" in stranger.err) == (2, True)


def test_a_draw_needs_its_entries_and_the_seed_that_was_promised(shell: Shell) -> None:
    """Not final, or without the right seed: refused, with what to do."""
    _stand(shell)
    early = shell("contests", "draw", NAME)
    _stand(shell, frozen=AT)
    seedless = shell("contests", "draw", NAME)
    unknown = shell("contests", "show", "spring")

    assert (early.code, "not final" in early.err) == (2, True)
    assert (seedless.code, "VOUCH_CONTEST_AUTUMN27" in seedless.err) == (2, True)
    assert (unknown.code, NAME in unknown.err) == (2, True)
