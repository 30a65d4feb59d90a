"""How a person is reached: by which address, in which locale, with whose words."""

from collections.abc import Mapping

from workflows.compiled import Programme
from workflows.state import Doc

KINDS = {"sms": "sms"}
"""Which kind of words a channel takes; e-mail's where it has none of its own."""


def address_of(doc: Doc, channel: str) -> str:
    """Return where a channel reaches a person; '' where it does not."""
    return str(doc.get("phone" if channel == "sms" else "email", "") or "")


def locale_of(programme: Programme, doc: Doc) -> str:
    """Return the recipient's locale as they have it; the programme's first where there is none."""
    return str(doc.get("locale") or programme.policies.locales[0])


def words_for(
    programme: Programme, template: str, channel: str, locale: str
) -> tuple[str, str] | None:
    """Return the locale and text of a template: the locale's, its language's, the first one's."""
    kind, first = KINDS.get(channel, "email"), programme.policies.locales[0]
    return words_in(programme.templates, template, kind, locale, first)


def words_in(
    templates: Mapping[tuple[str, str, str], str], name: str, kind: str, locale: str, first: str
) -> tuple[str, str] | None:
    """Return the locale and text of a template among these, where `first` serves everybody.

    Other systems write `de_at` and `PT-br` for what a folder names `de-AT` and `pt-BR`.
    """
    language, _, region = locale.replace("_", "-").partition("-")
    usual = f"{language.lower()}-{region.upper()}"
    for candidate in (locale, usual, language.lower(), first):
        text = templates.get((name, candidate, kind))
        if text is not None:
            return candidate, text
    return None
