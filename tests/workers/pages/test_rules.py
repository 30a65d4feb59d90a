"""The programme's own page: its rules, and its logo on every page."""

import pytest

from tests.workers.pages.links import every_link, shown, told
from tests.workers.web_world import World
from workflows.policies import Policies

NL = "---\nsubject: Regels van {{ programme.name|capitalize }}\n---\nEerlijk & <b>kort</b>.\n"
EN = "---\nsubject: The rules\n---\nFair.\n"


def test_the_rules_are_a_page_of_their_own(web: World) -> None:
    """Whoever asks sees them in their language, as words without markup; a gone page before."""
    before = web.client.get("/rules")
    web.programme.templates |= {
        ("programme_rules", "nl", "email"): NL, ("programme_rules", "en", "email"): EN,
    }  # fmt: skip

    dutch = web.client.get("/rules", headers={"accept-language": "nl-BE,en;q=0.5"})
    english = web.client.get("/rules?lang=en", headers={"accept-language": "nl"})
    german = web.client.get("/rules", headers={"accept-language": "de"})

    assert before.status_code == 404
    assert "Regels van Kompas" in dutch.text
    assert "Eerlijk &amp; &lt;b&gt;kort&lt;/b&gt;." in dutch.text
    assert "Fair." in english.text
    assert "Eerlijk" in german.text  # the first language serves who has no words of their own


def test_an_opt_in_leads_to_the_rules_and_says_which_were_agreed_to(web: World) -> None:
    """The page links to them; other rules are another `text_version`, other wordings too."""
    path = every_link(web)["optin"]
    assert "/rules" not in web.client.get(path).text
    versions = []
    for text in ("", NL, NL.replace("kort", "lang")):
        web.programme.templates[("programme_rules", "nl", "email")] = text or NL
        if not text:
            web.programme.templates.clear()
        page = web.client.get(path)
        assert ("/rules?lang=" in page.text) == bool(text)
        web.client.post(path, data=shown(page))
        versions.append(told(web)[-1][1]["text_version"])

    assert len(set(versions)) == len(versions)


def test_a_logo_is_all_that_is_loaded_from_elsewhere(web: World) -> None:
    """Every page shows it, and the policy of the page allows its address and no other."""
    logo = "https://cdn.kompas.example/logo.svg"
    web.programme.policies = Policies(
        programme="kompas", locales=("nl", "de", "en"), logo=f"{logo}?v=2"
    )
    for purpose, path in every_link(web).items():
        page = web.client.get(path)
        if purpose == "task":
            continue  # there is none
        assert f'<img src="{logo}?v=2" alt="Kompas"' in page.text
        assert f"; img-src {logo}" in page.headers["content-security-policy"]
    assert "img-src" not in web.client.get("/a/nonsense").headers["content-security-policy"]


@pytest.mark.parametrize(
    "logo",
    ["http://x.example/a.svg", "https://x.example/a b", "https://x.example/a;script-src *",
     "https://me@x.example/a", "data:image/png;base64,x", "logo.svg"],
)  # fmt: skip
def test_what_is_no_safe_address_is_no_logo(logo: str) -> None:
    """Only https without a name or a separator of policies in it."""
    with pytest.raises(ValueError, match="logo"):
        Policies(programme="kompas", logo=logo)
