"""The public page behind a share link: what it shows, what it records, what it withstands."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from events.referrals import CODE_CHARS_MAX, code_key, share_code
from tests.workers.web_world import World, migrated, world
from workers.tokens import Tokens
from workers.web.pages import LANGUAGES
from workers.web.sharing import ADDRESS_POSTS_MAX, BAD_CODES_MAX, TRAP
from workflows.policies import OwnFields

ANNA = "contact/c-anna"
PIA = {"name": "Pia", "email": "pia@boot.example", "consent": "yes"}


@pytest.fixture
def web(tmp_path: Path) -> Iterator[World]:
    with world(migrated(tmp_path)) as made:
        made.seed({
            ANNA: {"id": "c-anna", "name": "Anna de Vries", "email": "anna@acme.example"},
            "code/ANNA-7K2": {"contact": "c-anna"},
        })  # fmt: skip
        yield made


def link(web: World, medium: str = "whatsapp") -> str:
    return f"/r/{web.tokens.sign('invite', ANNA, medium)}"


def sent(web: World, path: str, **fields: str) -> httpx.Response:
    page = web.client.get(path)
    shown = re.search(r'name="shown" value="(\d+)"', page.text)
    assert shown
    return web.client.post(path, data={"shown": shown[1], **fields})


def test_opening_the_link_shows_a_form_and_changes_nothing(web: World) -> None:
    """Whoever or whatever opens a share link, signed or by code, has said nothing."""
    for path in (link(web), "/r/ANNA-7K2", "/r/anna-7k2"):
        assert web.client.get(path).status_code == 200
        assert web.client.head(path).status_code == 200

    assert web.events() == []


def test_the_page_tells_nobody_whose_link_it_is(web: World) -> None:
    """No name, no address and no id of the referrer is on the page, in any language."""
    for language in LANGUAGES:
        for path in (link(web), "/r/ANNA-7K2"):
            page = web.client.get(path, headers={"accept-language": language})
            assert f'<html lang="{language}">' in page.text
            assert not re.search(r"anna|acme|vries|https?://|<script", page.text, re.IGNORECASE)
            assert "default-src 'none'" in page.headers["content-security-policy"]


def test_what_is_sent_is_a_referral_of_that_contact(web: World) -> None:
    """The details are recorded for the referrer, with code and medium; a double click is one."""
    path = link(web)
    page = web.client.get(path)
    shown = re.search(r'name="shown" value="(\d+)"', page.text)
    assert shown
    for _ in range(2):
        assert web.client.post(path, data={"shown": shown[1], **PIA}).status_code == 200
    web.clock.advance(timedelta(minutes=1))
    assert sent(web, "/r/anna-7k2", name="Bo", phone="06 1", consent="yes").status_code == 200

    first, second = web.events()
    assert (first["type"], first["contact"]) == ("referral.submitted", "c-anna")
    assert first["data"]["lead"]["name"] == "Pia"
    assert first["data"]["code"] == share_code(ANNA, "whatsapp")
    assert first["data"]["via"] == "link/whatsapp"
    assert first["data"]["consent_to_contact"] is True
    assert (second["data"]["code"], second["data"]["via"]) == ("ANNA-7K2", "link")


@pytest.mark.parametrize("missing", ["name", "email", "consent"])
def test_what_is_missing_is_said_and_nothing_recorded(web: World, missing: str) -> None:
    """Without a name, a way to be reached or a yes, the form comes back with what was typed."""
    answer = sent(web, link(web), **{k: v for k, v in PIA.items() if k != missing})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert web.events() == []


def test_a_robot_is_thanked_and_not_recorded(web: World) -> None:
    """What fills in the field that people do not see learns nothing from the answer."""
    robot = sent(web, link(web), **PIA, **{TRAP: "http://spam.example"})

    assert robot.status_code == 200
    assert web.events() == []


@pytest.mark.parametrize("code", ["NOBODY", "x" * 200, "a%00b", "../etc", "ünknown", "%F0%9F"])
def test_a_code_of_nobody_is_a_friendly_404(web: World, code: str) -> None:
    """An unknown, changed or foreign code opens a page that helps, and records nothing."""
    foreign = Tokens([b"x" * 32]).sign("invite", ANNA, "email")

    for path in (f"/r/{code}", f"/r/{foreign}", f"/a/{link(web).removeprefix('/r/')}"):
        assert web.client.get(path).status_code == 404
        assert web.client.post(path, data=PIA).status_code in {404, 405}
    assert web.events() == []


def test_too_many_forms_from_one_address_have_to_wait(web: World) -> None:
    """After so many a minute the answer is 429 with Retry-After; a minute later all is well."""
    path = link(web)
    answers = [web.client.post(path, data=PIA) for _ in range(ADDRESS_POSTS_MAX + 1)]

    assert [a.status_code for a in answers] == [*[200] * ADDRESS_POSTS_MAX, 429]
    assert answers[-1].headers["retry-after"] == "60"
    web.clock.advance(timedelta(minutes=1))
    assert web.client.post(path, data=PIA).status_code == 200


def test_who_tries_codes_gets_tired_of_it(web: World) -> None:
    """After so many wrong codes a minute, further ones are not even looked at."""
    statuses = [web.client.get(f"/r/WRONG-{n}").status_code for n in range(BAD_CODES_MAX + 1)]

    assert statuses == [*[404] * BAD_CODES_MAX, 429]


def test_codes_compare_without_case_and_within_bounds() -> None:
    """A code that was typed is the code that was given; what is too long is none."""
    assert code_key(" anna-7k2 ") == "ANNA-7K2"
    assert code_key("A" * CODE_CHARS_MAX) != ""
    assert code_key("A" * (CODE_CHARS_MAX + 1)) == code_key("Anna de Vries") == code_key("") == ""
    assert share_code(ANNA, "email") != share_code(ANNA, "linkedin")


def _declare(web: World, *names: str) -> None:
    fields = OwnFields(contact=dict.fromkeys(names, "string"))
    web.programme.policies = web.programme.policies.model_copy(update={"fields": fields})


def test_a_personal_video_is_shown_where_it_belongs(web: World) -> None:
    """The contact's own pages show the video made for them, the share page the one they made."""
    _declare(web, "video", "share_video")
    own, shared = "https://video.example/for-anna", "https://video.example/by-anna"
    web.seed({ANNA: {"id": "c-anna", "name": "Anna", "video": own, "share_video": shared}})

    survey = web.client.get(f"/a/{web.tokens.sign('survey', 's-1', ANNA)}").text
    share = web.client.get(link(web)).text

    assert own in survey
    assert shared not in survey
    assert shared in share
    assert own not in share


@pytest.mark.parametrize(
    "bad",
    ["http://video.example/a", "javascript:alert(1)", "https://a@b.example/", "//x", "https:"],
)
def test_a_video_that_is_no_https_link_is_not_shown(web: World, bad: str) -> None:
    """What somebody wrote into the field by mistake leads nobody anywhere."""
    _declare(web, "share_video")
    web.seed({ANNA: {"id": "c-anna", "name": "Anna", "share_video": bad}})

    assert "<a " not in web.client.get(link(web)).text
