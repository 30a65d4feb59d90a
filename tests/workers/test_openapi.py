"""What `/openapi.json` says is what the application does: schemathesis asks, of every operation.

No answer is a 5xx; every status, content type, body and header is described; without a key and
with a wrong one `/events` is closed; methods that are not described are refused and named.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from events.catalogue import default_catalogue
from events.refusals import MissingFieldError
from tests.examples import NIGHTLY
from tests.unit.event_data import good
from tests.workers.openapi_engine import Findings, Phase, run, settings_of
from tests.workers.web_world import KEY, NOW, World, migrated, world
from workers.arrivals import offer
from workers.web.openapi import openapi
from workflows.state import Doc

EXAMPLES = 500 if NIGHTLY else 8
NIGHT_SECONDS_MAX = 1_800
OPERATIONS = ("POST /events", "POST /sources/{name}", "GET /healthz", "GET /readyz")
pytestmark = [
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:starlette"),
]


@pytest.fixture
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(migrated(tmp_path_factory.mktemp("web")), sources=["*"]) as made:
        yield made


def asked(web: World, *phases: Phase) -> Findings:
    """Ask in process; in a night over the network, longer, and something else each time."""
    settings = settings_of(
        KEY, phases, examples=EXAMPLES, seconds=NIGHT_SECONDS_MAX if NIGHTLY else None,
        random=NIGHTLY,
    )  # fmt: skip
    load: Any = schemathesis.openapi
    if NIGHTLY:
        return run(load.from_url(f"{web.client.base_url}/openapi.json", config=settings))
    return run(load.from_asgi("/openapi.json", web.app, config=settings))


def told(web: World, *types: str) -> None:
    """Have the programme know these types alone: the description is as much smaller."""
    known = web.programme.catalogue
    web.programme.catalogue = replace(known, types={name: known.types[name] for name in types})


def test_whom_an_event_concerns_is_described() -> None:
    """An event that names nobody is refused by the description exactly where intake does."""
    catalogue = default_catalogue()
    document = openapi(catalogue)
    subjects = (None, "contact/c-a", "account/acme")
    named = ("account=acme", "code=ANNA-1", "referral=l-1", "referral=r-1")
    told: list[Doc] = [{}, *(dict([each.split("=")]) for each in named)]
    for name in catalogue.types:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        described = jsonschema_rs.Draft202012Validator(schema)
        for number, (subject, said) in enumerate(product(subjects, told)):
            event = {"specversion": "1.0", "id": f"{name}/{number}", "source": "crm", "type": name,
                     "data": {**good(name), **said}}  # fmt: skip
            event |= {"subject": subject} if subject else {}
            assert described.is_valid(event) is _concerns_somebody(event), event


def _concerns_somebody(event: dict[str, Any]) -> bool:
    try:
        offer(event, None, arrived=NOW, catalogue=default_catalogue())
    except MissingFieldError as error:
        return error.field != "subject"
    return True


def test_every_event_type_is_answered_as_described(web: World) -> None:
    """Examples of all types, and events made up from their schemas, sound and unsound."""
    found = asked(web, "examples", "fuzzing")

    assert not found.failed, "\n".join(found.failed)
    assert {operation for operation, _ in found.checked} == set(OPERATIONS)
    assert web.events()


def test_every_bound_that_is_described_is_tried(web: World) -> None:
    """Each bound, kind and field of an event, just inside and just outside; no key; no method."""
    if not NIGHTLY:  # all types have one envelope: the ways to spoil it are the same
        told(web, "favour.granted")
    found = asked(web, "coverage")

    assert not found.failed, "\n".join(found.failed)
    for check in ("not_a_server_error", "status_code_conformance", "content_type_conformance",
                  "response_schema_conformance", "response_headers_conformance",
                  "unsupported_method", "allow_header_conformance"):  # fmt: skip
        assert all(found.checked[operation, check] for operation in OPERATIONS), check
    assert found.checked["POST /events", "ignored_auth"]


TAKEN = '{"accepted": 0, "duplicates": 0, "rejected": 0, "events": []}'
WRONG = (
    ("POST /events", "POST", TAKEN, 202, "ignored_auth"),
    ("POST /sources/{name}", "POST", "{}", 202, "response_schema_conformance"),
    ("GET /readyz", "GET", "{}", 500, "not_a_server_error"),
    ("GET /readyz", "GET", "{}", 500, "status_code_conformance"),
    ("GET /healthz", "GET", "alive", 200, "content_type_conformance"),
    ("GET /healthz", "PUT", "{}", 200, "unsupported_method"),
)


def test_an_application_that_does_something_else_is_found_out(web: World) -> None:
    """Each rule is seen to fail: every route that answers otherwise is named by its check."""
    told(web, "favour.granted")
    for operation, method, text, status, _ in WRONG:
        media_type = "text/plain" if text == "alive" else "application/json"
        answer = PlainTextResponse(text, status, media_type=media_type)
        path = operation.partition(" ")[2]
        web.app.router.routes.insert(0, Route(path, answering(answer), methods=[method]))

    found = asked(web, "coverage")

    for operation, *_, check in WRONG:
        assert any(str((operation, check)) in each for each in found.failed), (operation, check)


def answering(answer: Response) -> Callable[[Request], Response]:
    def always(request: Request) -> Response:
        return answer

    return always
