"""A comparison that holds for whoever has no value is told, unless somebody thought of that."""

import pytest

from tests.unit.broken.sound import SOUND
from workflows.check.programme import check
from workflows.folder import Folder
from workflows.load import load_programme

OWN = {
    "programme.yaml": SOUND["programme.yaml"].replace("{vip: bool}", "{vip: bool, due: instant}")
}


def _marked(condition: str) -> list[str]:
    """Return what is underlined of a trigger's condition."""
    text = f'workflow: w\ntrigger: {{schedule: 0 9 * * 1, each: contact, if: "{condition}"}}\n'
    files = {**SOUND, **OWN, "workflows/w.yaml": text + "steps: [{wait: 3d}]\n"}
    found = check(load_programme(Folder(files)))
    assert {(each.code, each.severity) for each in found} <= {("V077", "warning")}
    assert all("has(" in each.help for each in found)
    return [each.source_line[each.column - 1 : each.end_column - 1] for each in found]


@pytest.mark.parametrize(
    ("condition", "marked"),
    [
        ("account.customer_since < ago('1y')", ["account.customer_since"]),
        ("ago('1y') >= contact.participant_since", ["contact.participant_since"]),
        ("contact.due <= now || contact.nps.at < ago('9d')", ["contact.due", "contact.nps.at"]),
        ("account.customer_since >= ago('1y')", []),
        ("has(account.customer_since) && account.customer_since < ago('1y')", []),
        ("!has(contact.due) || contact.due < now", []),
        ("contact.participant && contact.participant_since < ago('1y')", []),
        ("contact.nps.band != 'none' && contact.nps.at < ago('90d')", []),
        ("contact.cooling_until < now", []),
        ("contact.nps.score < 7", []),
    ],
)
def test_what_nothing_passes_is_a_warning(condition: str, marked: list[str]) -> None:
    """The zero of an instant is 1970; `has()`, or a word on what stands beside it, tells."""
    assert _marked(condition) == marked
