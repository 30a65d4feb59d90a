"""Mail tools and a CRM as they document their interfaces: real HTTP, one list, one pipeline."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import md5
from http.server import BaseHTTPRequestHandler
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.workers.gateway import _Server

Answer = tuple[int, Any]


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Tools:
    """What the tools know, and what they were asked.

    Attributes:
        members: Of the Mailchimp list, by address: `merge_fields` and `tags`.
        subscribers: Of the Campaign Monitor list, by address: fields by key.
        persons: Of Pipedrive, by id.
        deals: Of Pipedrive, by id.
        failing: Statuses that come first, with their headers.
    """

    members: dict[str, dict[str, Any]] = field(default_factory=dict)
    subscribers: dict[str, dict[str, Any]] = field(default_factory=dict)
    persons: dict[int, dict[str, Any]] = field(default_factory=dict)
    deals: dict[int, dict[str, Any]] = field(default_factory=dict)
    failing: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def answer(self, asked: Asked) -> Answer:
        parts = urlsplit(asked.path)
        path, query = unquote(parts.path), parse_qs(parts.query)
        for pattern, method, handle in self._routes():
            match = re.fullmatch(pattern, path)
            if match and method == asked.method:
                return handle(match, query, asked.body)
        return 404, {"error": f"no route {asked.method} {path}"}

    def _routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        member = r"/3\.0/lists/L1/members/([0-9a-f]{32})"
        return [
            (member, "PATCH", self._merge),
            (f"{member}/tags", "POST", self._tag),
            (r"/api/v3\.3/subscribers/CM1\.json", "PUT", self._subscriber),
            (r"/api/v2/persons/search", "GET", self._search),
            (r"/api/v2/persons/(\d+)", "PATCH", self._person),
            (r"/api/v2/persons", "POST", self._new_person),
            (r"/api/v2/deals", "GET", self._deals),
            (r"/api/v2/deals", "POST", self._new_deal),
            (r"/api/v2/deals/(\d+)", "PATCH", self._deal),
        ]

    # -- Mailchimp

    def _member(self, match: re.Match[str]) -> dict[str, Any] | None:
        for email, member in self.members.items():
            if md5(email.encode(), usedforsecurity=False).hexdigest() == match[1]:
                return member
        return None

    def _merge(self, match: re.Match[str], _query: Any, body: Any) -> Answer:
        member = self._member(match)
        if member is None:
            return 404, {"title": "Resource Not Found", "status": 404}
        member.setdefault("merge_fields", {}).update(body["merge_fields"])
        return 200, member

    def _tag(self, match: re.Match[str], _query: Any, body: Any) -> Answer:
        member = self._member(match)
        if member is None:
            return 404, {"title": "Resource Not Found", "status": 404}
        for tag in body["tags"]:
            change = set.add if tag["status"] == "active" else set.discard
            change(member.setdefault("tags", set()), tag["name"])
        return 204, None

    # -- Campaign Monitor

    def _subscriber(self, _match: Any, query: Any, body: Any) -> Answer:
        known = self.subscribers.get(query["email"][0])
        if known is None:
            return 400, {"Code": 203, "Message": "Subscriber not in list or already removed"}
        known.update({each["Key"]: each["Value"] for each in body["CustomFields"]})
        known["consent"] = body["ConsentToTrack"]
        return 200, None

    # -- Pipedrive

    def _search(self, _match: Any, query: Any, _body: Any) -> Answer:
        term, kind = query["term"][0], f"{query['fields'][0]}s"
        items = [{"item": person} for person in self.persons.values()
                 if any(each["value"] == term for each in person.get(kind, ()))]  # fmt: skip
        return 200, {"success": True, "data": {"items": items}}

    def _person(self, match: re.Match[str], _query: Any, body: Any) -> Answer:
        return self._change(self.persons[int(match[1])], body)

    def _new_person(self, _match: Any, _query: Any, body: Any) -> Answer:
        return self._make(self.persons, 100, body)

    def _deals(self, _match: Any, query: Any, _body: Any) -> Answer:
        person, status = int(query["person_id"][0]), query.get("status", [""])[0]
        found = [
            deal for deal in self.deals.values()
            if deal["person_id"] == person and status in ("", deal.get("status", "open"))
        ]  # fmt: skip
        found.sort(key=lambda deal: int(deal["id"]), reverse="desc" in query["sort_direction"])
        return 200, {"success": True, "data": found[: int(query["limit"][0])]}

    def _new_deal(self, _match: Any, _query: Any, body: Any) -> Answer:
        return self._make(self.deals, 500, body)

    def _deal(self, match: re.Match[str], _query: Any, body: Any) -> Answer:
        return self._change(self.deals[int(match[1])], body)

    @staticmethod
    def _change(row: dict[str, Any], body: Any) -> Answer:
        custom = {**row.get("custom_fields", {}), **body.get("custom_fields", {})}
        row.update({**body, "custom_fields": custom})
        return 200, {"success": True, "data": row}

    @staticmethod
    def _make(rows: dict[int, dict[str, Any]], first: int, body: Any) -> Answer:
        number = first + len(rows)
        rows[number] = {"id": number, **body}
        return 201, {"success": True, "data": rows[number]}


def _handler(tools: Tools) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _any(self) -> None:
            text = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, json.loads(text) if text else None)
            tools.asked.append(asked)
            more: dict[str, str] = {}
            if tools.failing:
                status, more = tools.failing.pop(0)
                said: Any = {}
            else:
                status, said = tools.answer(asked)
            body = b"" if said is None else json.dumps(said, default=sorted).encode()
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = _any  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    return Handler


@contextmanager
def serving(tools: Tools) -> Iterator[int]:
    """Serve the tools on 127.0.0.1 and give the port."""
    with _Server(("127.0.0.1", 0), _handler(tools)) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join(30)
