"""Pages for people: templates, words in their language, and headers that let nothing else in."""

import tomllib
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from workflows.words_filters import as_date

_HERE: Final = Path(__file__).parent
_POLICY: Final = "Content-Security-Policy"
LANGUAGES: Final = ("en", "nl", "de")
"""Those we have words in; the first serves everybody else."""


class Pages:
    """Renders pages; they run no script, load nothing but the logo, and cannot be framed."""

    def __init__(self) -> None:
        css = (_HERE / "static" / "page.css").read_text(encoding="utf-8")
        self._css = Markup(css)  # noqa: S704 - our own file, and it must be what the hash says
        self._words = {language: words_of(language) for language in LANGUAGES}
        self._templates = templates_in(_HERE / "templates")
        self._templates.filters["date"] = as_date  # as in messages
        self._headers = locked(css)

    def words(self, language: str) -> Mapping[str, str]:
        """Return the words of a language."""
        return self._words[language]

    def page(
        self, name: str, language: str, values: Mapping[str, Any], *, status: int = 200
    ) -> HTMLResponse:
        """Return a page; `values` has at least its `title`."""
        shown = {"problem": "", "programme": "", "video": "", "logo": "", "rules": "", **values}
        html = self._templates.get_template(f"{name}.html").render(
            shown, lang=language, _locale=language, words=self._words[language], css=self._css
        )
        headers = dict(self._headers)
        if shown["logo"]:  # the one thing that is loaded from elsewhere, by its whole address
            headers[_POLICY] += f"; img-src {shown['logo'].partition('?')[0]}"
        return HTMLResponse(html, status_code=status, headers=headers)

    def notice(self, name: str, language: str, *, status: int, programme: str = "") -> HTMLResponse:
        """Return a page that says what is the matter: `gone`, `busy`, `long` or `down`."""
        words = self._words[language]
        values = {
            "title": words[f"{name}_title"],
            "text": words[f"{name}_text"],
            "programme": programme,
        }
        return self.page("notice", language, values, status=status)


def templates_in(folder: Path) -> Environment:
    """Return the templates of a folder: values are escaped, and one that is missing is an error."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def locked(css: str) -> dict[str, str]:
    """Return the headers of a page that has this style, and nothing from anywhere else."""
    allowed = b64encode(sha256(css.encode()).digest()).decode()
    return {
        _POLICY: (
            f"default-src 'none'; style-src 'sha256-{allowed}'; form-action 'self'; "
            f"base-uri 'none'; frame-ancestors 'none'"
        ),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",  # the link is the key: it goes nowhere
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
    }


def words_of(language: str) -> dict[str, str]:
    """Return the words of one language from its file."""
    text = (_HERE / "templates" / "words" / f"{language}.toml").read_text(encoding="utf-8")
    return dict(tomllib.loads(text))


def preferred(accepted: str) -> list[str]:
    """Return the locales of an `Accept-Language`, the first ten, in their order.

    >>> preferred("fr-FR, de;q=0.8,*;q=0.1")
    ['fr-FR', 'de', '*']
    """
    return [part.partition(";")[0].strip() for part in accepted.split(",")[:10]]


def language_of(*wanted: str) -> str:
    """Return the language of the first locale that we have words in.

    >>> language_of("", "fr", "de-AT", "nl")
    'de'
    """
    for locale in wanted:
        language = locale.replace("_", "-").partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return LANGUAGES[0]
