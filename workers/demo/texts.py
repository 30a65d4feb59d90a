"""What the made-up customers say, in their three languages."""

from collections.abc import Mapping
from random import Random

IMPROVE = {
    "nl": (
        "Sneller opleveren, de laatste week liep uit.",
        "Graag één vast aanspreekpunt.",
        "De handleiding mag korter.",
        "Vaker even bellen in plaats van mailen.",
        "De factuur was lastig.",
        "Niets, ga zo door.",
    ),
    "de": (
        "Etwas schneller auf Rückfragen antworten.",
        "Ein fester Ansprechpartner wäre schön.",
        "Die Anleitung dürfte kürzer sein.",
        "Änderungen früher ankündigen.",
        "Eigentlich nichts, weiter so.",
    ),
    "en": (
        "Answer questions a little faster.",
        "One person to talk to would be nice.",
        "The manual could be shorter.",
        "Tell us earlier when dates move.",
        "Nothing really, carry on.",
    ),
}

COMMENT: dict[str, dict[str, tuple[str, ...]]] = {
    "promoter": {
        "nl": (
            "Fijn team, denkt echt mee.",
            "Alles liep zoals afgesproken.",
            "Jullie bellen terug, dat maakt het verschil.",
        ),
        "de": (
            "Sehr angenehme Zusammenarbeit.",
            "Alles war wie besprochen.",
            "Ein Team, das mitdenkt.",
        ),
        "en": (
            "A team that thinks along.",
            "Everything went as agreed.",
            "You call back, which makes all the difference.",
        ),
    },
    "passive": {
        "nl": ("Goed werk, maar het duurde lang.", "Prima, niet bijzonder."),
        "de": ("Gute Arbeit, hat aber gedauert.", "In Ordnung, nichts Besonderes."),
        "en": ("Good work, it took a while though.", "Fine, nothing special."),
    },
    "detractor": {
        "nl": ("Niemand belde terug.", "Drie keer hetzelfde moeten uitleggen."),
        "de": ("Niemand hat zurückgerufen.", "Wir mussten alles dreimal erklären."),
        "en": ("Nobody called back.", "We had to explain the same thing three times."),
    },
}

COMPLIMENT = {
    "nl": ("Wat hebben jullie dat snel opgelost!", "Complimenten voor de monteur."),
    "de": ("Das ging ja wirklich schnell!", "Ein Lob an den Techniker."),
    "en": ("That was quick, thank you!", "Compliments to the engineer."),
}

FAVOUR = (
    "Delivered a spare part on a Saturday.",
    "Extended the trial by a month.",
    "Came by to explain the new planner.",
    "Lent a machine during the repair.",
)

QUOTE = {
    "nl": (
        "Een afspraak is bij hen een afspraak.",
        "Sinds we met hen werken, slapen wij goed.",
    ),
    "de": (
        "Bei ihnen gilt ein Wort noch etwas.",
        "Seit wir mit ihnen arbeiten, schlafen wir gut.",
    ),
    "en": (
        "They do what they say, and call when things change.",
        "Since we work with them, we sleep better.",
    ),
}

STORY = {
    "nl": "Hoe wij in zes weken van drie systemen naar één gingen.",
    "de": "Wie wir in sechs Wochen von drei Systemen auf eines kamen.",
    "en": "How we went from three systems to one in six weeks.",
}

ROOT_CAUSES = ("callback_missing", "late_delivery", "invoice_unclear", "handover_failed")

HEARD_OF_US = ("a customer of yours", "a customer of yours", "the internet", "a fair", "the press")

PRODUCTS = ("planner", "planner-plus", "insight", "care-plan")


def pick(rng: Random, texts: Mapping[str, tuple[str, ...]], locale: str) -> str:
    """Return one of the texts in a language; in the first there is if it has none."""
    return rng.choice(texts.get(locale, texts["nl"]))
