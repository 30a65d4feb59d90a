"""The console's pages as HTML: one style, no script, nothing from anywhere else."""

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from workers.cells import cell
from workers.sentences import because, when
from workers.web.pages import locked, templates_in

_HERE: Final = Path(__file__).parent
_COMMAND: Final = re.compile(r"vouch explain (\S+)")
"""What one explanation says of where there is more."""


class ConsolePages:
    """Renders the pages."""

    def __init__(self) -> None:
        css = (_HERE / "static" / "console.css").read_text(encoding="utf-8")
        self._headers = locked(css)
        self._templates = templates_in(_HERE / "templates")
        # Our own file, which must be what the hash in the header says.
        self._templates.globals["css"] = Markup(css)  # noqa: S704
        self._templates.filters |= {"cell": cell, "because": because, "linked": linked}

    def page(
        self, name: str, zone: ZoneInfo, values: Mapping[str, Any], *, status: int = 200
    ) -> HTMLResponse:
        """Return a page; instants are told by the clock of `zone`."""
        shown = {"who": "", "programme": "", **values, "when": partial(when, zone=zone)}
        html = self._templates.get_template(f"{name}.html").render(shown, here=name)
        return HTMLResponse(html, status_code=status, headers=dict(self._headers))


def linked(line: str) -> Markup:
    """Return a line of an explanation, its mention of another one a link.

    >>> linked("how it went on: vouch explain r1/<b>")
    Markup('how it went on: <a href="/console/explain?id=r1/%3Cb%3E">r1/&lt;b&gt;</a>')
    """
    found = _COMMAND.search(line)
    if found is None:
        return escape(line)
    link = Markup('<a href="/console/explain?id={}">{}</a>').format(quote(found[1]), found[1])
    return escape(line[: found.start()]) + link + escape(line[found.end() :])
