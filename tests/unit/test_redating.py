"""A task that several events call for is due from the one that made them enough, by time."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

from tests.replay import Replay, library
from workflows.state import State, iso

START = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)


class World(Replay):
    """Somebody who recommends, and is recommended."""

    def __init__(self) -> None:
        super().__init__(library(), START + 20 * DAY)
        nps = {"score": 9, "band": "promoter", "at": iso(START)}
        for name, firm in (("c-anna", "acme"), ("c-ann", "polder")):
            doc = {"id": name, "name": name, "email": f"{name}@{firm}.example", "nps": nps}
            self.states[f"contact/{name}"] = State(f"contact/{name}", doc)

    def hears(self, kind: str, days: float, contact: str, **data: Any) -> None:
        """Hear of something that happened so many days after the start."""
        lead = data.get("lead", "")
        self.event({
            "id": f"{kind}/{days}", "source": "t", "type": kind, "data": data, "account": "",
            "time": iso(START + days * DAY), "contact": contact,
            "lead": lead["id"] if isinstance(lead, dict) else lead,
        }, f"contact/{contact or lead}")  # fmt: skip


def test_the_look_at_a_block_is_due_from_the_second_by_time() -> None:
    """Whoever recommended themselves three times: the second in order of time made it enough."""
    for order in permutations((1, 2, 3)):
        world = World()
        for number in order:
            lead = {"id": f"l-{number}", "name": "I", "email": f"c-anna+{number}@acme.example"}
            world.hears("referral.submitted", number, "c-anna", lead=lead)

        (task,) = [each for each in world.tasks.values() if each.key.endswith("/blocked")]
        assert task.due_at == START + 4 * DAY, order  # two business days after the Wednesday
        assert world.timers[f"{task.key}/due"].due_at == task.due_at


def test_the_review_of_a_merge_is_due_from_the_first_merge() -> None:
    """Whichever of two words on the same two records is heard first."""
    for order in permutations((8, 9)):
        world = World()
        lead = {"id": "c-ann", "name": "Ann", "email": "c-ann@polder.example"}
        world.hears("referral.submitted", 1, "c-anna", lead=lead)
        world.hears("deal.won", 2, "", lead="c-ann", deal="d-1")
        for days in order:
            world.hears("contact.merged", days, "c-ann", into="c-anna")

        (task,) = [each for each in world.tasks.values() if each.key.endswith("_by_merge")]
        assert task.due_at == START + 10 * DAY, order  # two business days after the Tuesday
