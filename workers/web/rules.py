"""The rules of the game, in the words of the template `programme_rules`."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final

from markupsafe import Markup

from workers.web.services import Applied
from workflows.reaching import words_in
from workflows.words import parse_template

TEMPLATE: Final = "programme_rules"


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules in one language, and what tells this wording from any other."""

    title: str
    html: Markup
    version: str


def rules_of(programme: Applied, locale: str) -> Rules | None:
    """Return the rules in a locale, as messages choose their words; None where there are none."""
    policies = programme.policies
    found = words_in(programme.templates, TEMPLATE, "email", locale, policies.locales[0])
    if found is None:
        return None
    currency = policies.rewards.currency
    named = {"name": policies.programme, "zone": policies.zone,
             "currency": currency.code if currency else ""}  # fmt: skip
    return _rendered(found[1], found[0], tuple(named.items()))


@lru_cache(maxsize=64)
def _rendered(text: str, locale: str, named: tuple[tuple[str, str], ...]) -> Rules:
    template = parse_template(text, kind="email", name=TEMPLATE)
    words = template.render({"programme": dict(named)}, locale)
    version = sha256(f"{words.subject}\n{words.text}".encode()).hexdigest()[:24]
    html = Markup(words.html)  # noqa: S704 - made of Markdown without HTML, its values escaped
    return Rules(words.subject, html, version)
