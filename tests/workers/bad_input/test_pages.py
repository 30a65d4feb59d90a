"""Whatever is sent to a page, the answer is a page; and only a form changes anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile import texts
from tests.workers.bad_input.careless import (
    EXAMPLES,
    FORMS,
    MINUTE,
    contents,
    header,
    links,
    written,
)
from tests.workers.web_world import World
from workers.tokens import Tokens

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of the world


@given(page=st.integers(0, 7), fields=FORMS, accepted=texts.map(header))
@EXAMPLES
def test_every_form_ends_in_a_page(
    web: World, page: int, fields: list[tuple[str, str]], accepted: str
) -> None:
    """Whatever is typed into a form, the answer is a page; what is stored is a sound event."""
    web.clock.advance(MINUTE)
    path = list(links(web).values())[page]
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept-Language": accepted,
    }

    answer = web.client.post(path, content=written(fields), headers=headers)

    assert answer.status_code in {200, 400, 404, 422, 429}
    assert answer.headers["content-type"].startswith("text/")


PARTS = "multipart/form-data"


@given(
    page=st.integers(0, 7),
    body=st.binary(max_size=300),
    kind=st.sampled_from(
        [f"{PARTS}; boundary=x", PARTS, f"{PARTS}; boundary={'x' * 300}", "text/plain", ""]
    ),
)
@EXAMPLES
def test_every_broken_form_ends_in_a_page(web: World, page: int, body: bytes, kind: str) -> None:
    """A form that is none, in parts or whole, is a page as well."""
    web.clock.advance(MINUTE)
    path = list(links(web).values())[page]
    framed = (
        b'--x\r\nContent-Disposition: form-data; name="score"\r\n\r\n' + body + b"\r\n--x--\r\n"
    )
    for content in (body, framed):
        answer = web.client.post(path, content=content, headers={"Content-Type": kind})

        assert answer.status_code in {200, 400, 404, 422, 429}


@given(query=FORMS, method=st.sampled_from(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]))
@EXAMPLES
def test_get_changes_nothing(web: World, query: list[tuple[str, str]], method: str) -> None:
    """No route, with any query and any method but POST, leaves a trace in any table."""
    web.clock.advance(MINUTE)
    before = contents(web)
    paths = [*links(web).values(), "/events", "/sources/delighted", "/healthz", "/readyz",
             "/metrics", "/openapi.json", "/console/", "/nowhere"]  # fmt: skip
    for path in paths:
        answer = web.client.request(method, f"{path}?{written(query).decode()[:5_000]}")
        assert answer.status_code in {200, 404, 405, 429}

    assert contents(web) == before


def test_a_link_is_good_for_nothing_else(web: World) -> None:
    """No link opens another page, and none takes another person's part or lends its signature."""
    web.clock.advance(MINUTE)
    before = contents(web)
    pages = links(web)
    others = {"ask": ("r/ask", "contact/c-ben"), "optin": ("contact/c-ben",),
              "survey": ("r/2", "contact/c-ben"), "journey": ("poll", "contact/c-ben")}  # fmt: skip
    forged = [f"/r/{pages[purpose][3:]}" for purpose in pages if purpose != "invite"]
    forged.append(f"/a/{pages['invite'][3:]}")
    for purpose, parts in others.items():
        signed = Tokens([b"x" * 32]).sign(purpose, *parts)  # type: ignore[arg-type]
        forged.append(pages[purpose][:26] + signed[23:])  # Anna's signature, Ben's parts
        forged.append(f"/a/{signed}")
    for purpose in others:
        forged += [f"/a/{other[0]}{pages[purpose][4:]}" for other in pages if other != purpose]
    for path in forged:
        web.clock.advance(MINUTE)
        fields = {
            "answer": "gladly",
            "score": "9",
            "name": "B",
            "email": "b@x.nl",
            "consent": "yes",
        }
        assert web.client.get(path).status_code == 404
        assert web.client.post(path, data=fields).status_code == 404

    assert contents(web) == before


def test_there_is_no_console(web: World) -> None:
    """Without a key for it nothing of it is served, under no spelling."""
    for path in ("/console", "/console/", "/console/index.html", "/static/page.css", "/docs"):
        assert web.client.get(path, follow_redirects=True).status_code == 404
