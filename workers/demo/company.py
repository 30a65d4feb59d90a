"""The made-up company's customers: accounts, the people there, and their temper."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from workers.demo.lines import dice

Band = Literal["promoter", "passive", "detractor"]

CUSTOMERS = 400
ACCOUNTS = 150

_LOCALES = ("nl", "de", "en")
_LOCALE_WEIGHTS = (64, 22, 14)
_ZONES = {
    "nl": ("Europe/Amsterdam",),
    "de": ("Europe/Berlin", "Europe/Berlin", "Europe/Vienna"),
    "en": ("Europe/London", "Europe/London", "Europe/Dublin", "America/New_York"),
}
_OWNERS = ("u-sam", "u-lena", "")
_OWNER_WEIGHTS = (48, 40, 12)
_BANDS: tuple[Band, ...] = ("promoter", "passive", "detractor")
_BAND_WEIGHTS = (67, 20, 13)


def _words(text: str) -> list[str]:
    return text.split()


_FIRST = {
    "nl": _words(
        "Anna Bram Carla Daan Eva Femke Gijs Hanna Iris Jasper Koen Lotte Maarten Noor Olaf "
        "Pien Rik Sanne Teun Veerle Wim Yara"
    ),
    "de": _words(
        "Anke Bernd Claudia Dieter Elke Frieda Georg Heike Ingo Jana Karl Lena Matthias Nina "
        "Otto Petra Ralf Sabine Tobias Ute"
    ),
    "en": _words(
        "Alice Brian Chloe Dylan Emma Fergus Grace Harry Isla Jack Kate Liam Megan Niall Orla "
        "Peter Rosie Sean Tara Will"
    ),
}
_LAST = {
    "nl": _words(
        "Bakker Bosch Dekker Dijkstra Evers Hoekstra Jansen Kok Kuiper Meijer Mulder Peters "
        "Postma Prins Schouten Smit Visser Vos Willems Wolters"
    ),
    "de": _words(
        "Albrecht Bauer Brandt Engel Fischer Graf Hartmann Huber Keller Kraus Lang Lorenz Maier "
        "Neumann Roth Sauer Schmitz Seidel Vogel Winkler"
    ),
    "en": _words(
        "Adams Barker Carter Doyle Ellis Fletcher Gibson Hughes Kelly Lawson Moore Murphy Nolan "
        "Parker Quinn Reed Shaw Turner Walsh Young"
    ),
}
_PLACES = {
    "nl": _words("Polder Veluwe Maas Waal Duin Kade Noord Zuider Amstel Vecht Gracht Haven"),
    "de": _words("Elbe Isar Harz Nordsee Spree Donau Eifel Taunus Weser Alster Ruhr Saale"),
    "en": _words("Thames Severn Harbour Moor Lake Forth Avon Bridge Clyde Dale Hill Shore"),
}
_TRADES = {
    "nl": _words("Techniek Logistiek Bouw Zorg Groen Advies Energie Software"),
    "de": _words("Elektro Logistik Bau Pflege Gartenbau Beratung Energie Software"),
    "en": _words("Engineering Logistics Building Care Gardens Advisers Energy Software"),
}


@dataclass(frozen=True, slots=True)
class Account:
    """A customer: a company, with one of ours who looks after it, if anybody does."""

    id: str
    name: str
    locale: str
    zone: str
    owner: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at a customer. `temper` is the band that most of their answers fall in."""

    id: str
    first_name: str
    last_name: str
    account: Account
    owner: str
    temper: Band

    @property
    def name(self) -> str:
        """The full name."""
        return f"{self.first_name} {self.last_name}"

    @property
    def email(self) -> str:
        """An address that can reach nobody."""
        return f"{self.id.removeprefix('c-').replace('-', '.')}@{self.account.id}.example"

    @property
    def subject(self) -> str:
        """How events name them."""
        return f"contact/{self.id}"


def found(seed: int) -> tuple[Sequence[Account], Sequence[Person]]:
    """Return the accounts and their people: the same for the same seed."""
    rng = dice(seed, "company")
    accounts = _accounts(rng)
    places = [*accounts, *rng.choices(accounts, k=CUSTOMERS - ACCOUNTS)]
    taken: dict[str, int] = {}
    places.sort(key=lambda account: account.id)
    return accounts, [_person(rng, account, taken) for account in places]


def _accounts(rng: Random) -> list[Account]:
    accounts: dict[str, Account] = {}
    while len(accounts) < ACCOUNTS:
        locale = rng.choices(_LOCALES, _LOCALE_WEIGHTS)[0]
        name = f"{rng.choice(_PLACES[locale])} {rng.choice(_TRADES[locale])}"
        owner = rng.choices(_OWNERS, _OWNER_WEIGHTS)[0]
        zone = rng.choice(_ZONES[locale])
        key = name.lower().replace(" ", "-")
        accounts.setdefault(key, Account(key, name, locale, zone, owner))
    return list(accounts.values())


def _person(rng: Random, account: Account, taken: dict[str, int]) -> Person:
    first, last = rng.choice(_FIRST[account.locale]), rng.choice(_LAST[account.locale])
    base = f"c-{first}-{last}".lower()
    taken[base] = taken.get(base, 0) + 1
    key = base if taken[base] == 1 else f"{base}-{taken[base]}"
    owner = account.owner if rng.random() < 0.4 else ""  # noqa: PLR2004 - else the account's
    temper = rng.choices(_BANDS, _BAND_WEIGHTS)[0]
    return Person(key, first, last, account, owner, temper)
