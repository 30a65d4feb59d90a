"""Answers that come in another order: they know what they answer, or are no answers yet."""

from dataclasses import dataclass, field

from store import contacts as contact_rows
from store.listings import work
from store.listings.pages import PAGE_MAX, Page
from workers.scenarios.form import Happening
from workers.scenarios.play import Player
from workflows.state import Doc

ANSWERS = ("reward.", "review.", "journey.", "message.")
"""What answers something that was there: it comes after all that had come before it."""


class NotYetError(Exception):
    """An answer came before what it answers: no order that can be."""


@dataclass(slots=True)
class Arriving(Player):
    """A story whose answers know what they answer, or are no answers yet."""

    ready: dict[str, bool | str] = field(default_factory=dict)
    learns: bool = False

    def happen(self, entry: Happening) -> None:
        if is_answer(entry):
            if self.unsettled:
                self._alive(self.trial.settle)
            if not (entry.task or entry.ask):
                self._ready(entry, there=self._there(entry))
        Player.happen(self, entry)

    def task_key(self, entry: Happening) -> str:
        key = Player.task_key(self, entry)
        with self.trial.store.reader() as conn:
            found = work.task(conn, key)
        is_open = found is not None and found["status"] == "open"
        self._ready(entry, there=key if is_open else "")
        return key

    def ask_key(self, entry: Happening) -> str:
        key = Player.ask_key(self, entry)
        with self.trial.store.reader() as conn:
            rows = work.asks(conn, page=Page(PAGE_MAX))
        found = {row["key"]: row["status"] for row in rows}
        asked = found.get(key, "pending") not in ("pending", "skipped")
        self._ready(entry, there=asked)  # a later word that was heard before may have closed it
        return key

    def _ready(self, entry: Happening, *, there: bool | str) -> None:
        if self.learns:
            self.ready[entry.id] = there
        elif there != self.ready[entry.id]:
            raise NotYetError(entry.id)

    def _there(self, entry: Happening) -> bool:
        """Tell whether what an answer is about is there: a stage that is open, enough stars."""
        with self.trial.store.reader() as conn:
            key = contact_rows.resolve(conn, f"contact/{entry.contact}")
            doc = contact_rows.get(conn, [key]).get(key, {})
        match entry.type:
            case "journey.answered":
                offered = doc.get("stages", {}).get(entry.data["stage"], {})
                return bool(offered.get("status") == "open")
            case "reward.chosen":
                available = doc.get("balance", {}).get("available", 0)
                return bool(available >= (entry.data.get("amount") or 1))
            case "reward.approved":
                return any(
                    name in (entry.data["entry"], each["entry"]) and each["state"] == "pending"
                    for name, each in doc.get("accruals", {}).items()
                )
            case "review.approved" | "review.rejected":
                return self._waits(str(entry.data["referral"]), doc)
            case _:
                return True

    def _waits(self, name: str, referrer: Doc) -> bool:
        """Tell whether a referral waits for a review: of a referrer's, or of a lead's."""
        with self.trial.store.reader() as conn:
            lead = contact_rows.get(conn, [f"contact/{name}"]).get(f"contact/{name}", {})
        mine = referrer.get("referrals", {}).values()
        line = lead.get("referred", {}).get("line", {}).values()
        named = (each for each in mine if name in (each["id"], each["lead"]["id"], each["event"]))
        return any(each["verdict"] in ("review", "held") for each in (*named, *line))


def is_answer(entry: Happening) -> bool:
    """Tell whether an event answers something of ours."""
    return entry.type.startswith(ANSWERS) or bool(entry.task or entry.ask)
