"""POST /events and POST /sources/{name}: what happened elsewhere comes in."""

import asyncio
from asyncio import Future
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from events.content_modes import from_http, parse_json
from events.refusals import EventError
from store.intake import Reject
from workers import remapping
from workers.group_commit import PARSED_AT_ONCE_MAX, GroupCommit
from workers.verdicts import Verdict, refused
from workers.web.auth import KeyRing
from workers.web.limits import RateLimit
from workers.web.services import Services
from workers.web.wire import HttpError, JsonResponse, Metrics, headers_of, read_body
from workflows.signatures import SecretMissingError, SignatureError, resolve_secret, verify
from workflows.sources import CompiledSource, Mapped, delivery_key, map_webhook

FORGED_NOTED_MAX: Final = 60
"""Wrong signatures written down a minute, for each source: anybody can send more."""


class EventsEndpoint:
    """CloudEvents over HTTP, in any of the three content modes."""

    def __init__(self, group: GroupCommit, keys: KeyRing, metrics: Metrics) -> None:
        self._group = group
        self._keys = keys
        self._metrics = metrics

    async def post(self, request: Request) -> Response:
        """Take events in; answered after the commit."""
        headers = headers_of(request)
        publisher = await self._keys.publisher(headers)
        body = await read_body(request, headers)
        raws = from_http(headers, body)
        return self.told(await self._group.accept(raws, key=publisher))

    def begin(self, headers: Mapping[str, str], body: bytes) -> Future[list[Verdict]] | None:
        """Take the events of a whole request in, if nothing but their commit is waited for.

        Raises:
            VouchError: As `post` would answer it.
        """
        publisher = self._keys.kept(headers)
        if publisher is None or "content-encoding" in headers:
            return None
        raws = from_http(headers, body)
        return self._group.begin(raws, key=publisher) if len(raws) <= PARSED_AT_ONCE_MAX else None

    def told(self, verdicts: Sequence[Verdict]) -> Response:
        """Return the answer."""
        return told(verdicts, self._metrics)


class SourcesEndpoint:
    """Vendors' webhooks, in their own words and with their own signatures."""

    def __init__(self, services: Services, group: GroupCommit, metrics: Metrics) -> None:
        self._services = services
        self._group = group
        self._metrics = metrics
        self._forged = RateLimit(services.clock, FORGED_NOTED_MAX)

    async def post(self, request: Request) -> Response:
        """Take a webhook in; answered after the commit."""
        source = self._services.programme().sources.get(request.path_params["name"])
        if source is None:
            raise HttpError(
                404,
                "unknown_source",
                "there is no such source",
                hint="see sources/ of the programme",
            )
        body = await read_body(request, headers_of(request))
        await self._verify(source, request.headers, body)
        arrived = self._services.clock.now()
        said: object = None
        try:
            said = parse_json(body)
            mapped = map_webhook(source, said, request.headers, arrived)
        except EventError as error:
            delivery = delivery_key(source, said, request.headers, arrived)
            verdict = refused({"source": source.name, "id": delivery}, error)
            await asyncio.to_thread(self._services.intake.note, [verdict.reject(arrived)])
            return told([verdict.verdict], self._metrics)
        if not mapped:
            return await self._no_mapping(source, said, request.headers, arrived)
        events = await asyncio.to_thread(self._about, mapped)
        return told(await self._group.accept(events), self._metrics)

    async def _verify(
        self, source: CompiledSource, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Let nothing in that the vendor did not sign; remember only that somebody tried."""
        now = self._services.clock.now()
        try:
            secret = resolve_secret(source.signature, self._services.secrets)
        except SecretMissingError as error:
            raise HttpError(
                503, error.code, str(error), hint=error.hint, headers={"Retry-After": "60"}
            ) from None
        try:
            verify(source.signature, secret, headers, body, now=now)
        except SignatureError as error:
            self._metrics.events["rejected", "signature"].inc()
            if self._forged.allows(source.name):
                reject = Reject(at=now, verdict="rejected", source=source.name, reason="signature")
                await asyncio.to_thread(self._services.intake.note, [reject])
            raise HttpError(
                401,
                "signature",
                str(error),
                field=source.signature.header.lower() or "authorization",
                hint=error.hint,
            ) from None

    async def _no_mapping(
        self, source: CompiledSource, said: object, headers: Mapping[str, str], at: datetime
    ) -> Response:
        """Tell the vendor all is well: it sends whatever it has, we take what we mapped."""
        delivery = delivery_key(source, said, headers, at)
        verdict = Verdict(
            "rejected",
            id=delivery,
            reason="no_mapping",
            message="no entry of the source's events takes this webhook: it is kept until one does",
        )
        store = self._services.store
        await asyncio.to_thread(remapping.keep, store, source, said, headers, delivery, at)
        self._metrics.events["rejected", "no_mapping"].inc()
        return JsonResponse(summary([verdict]), status=202)

    def _about(self, mapped: Sequence[Mapped]) -> list[Mapped]:
        """Find each event's contact by id, address or number; else name the one to be made."""
        with self._services.store.reader() as conn:
            return remapping.about(conn, mapped)


def told(verdicts: Sequence[Verdict], metrics: Metrics) -> Response:
    """Return the answer to a request: of one rejected event an error, else the verdicts."""
    for verdict in verdicts:
        metrics.events[verdict.status, verdict.reason].inc()
    if len(verdicts) == 1 and verdicts[0].status == "rejected":
        (verdict,) = verdicts
        return HttpError(
            verdict.http,
            verdict.reason,
            verdict.message,
            field=verdict.field,
            hint=verdict.hint,
        ).response()
    return JsonResponse(summary(verdicts), status=202)


def summary(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return verdicts as publishers see them."""
    statuses = [verdict.status for verdict in verdicts]
    return {
        "accepted": statuses.count("accepted"),
        "duplicates": statuses.count("duplicate"),
        "rejected": statuses.count("rejected"),
        "events": [verdict.to_json() for verdict in verdicts],
    }
