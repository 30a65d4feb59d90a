"""What a CRM is told of contacts and leads: Pipedrive, or any other by a signed webhook."""

import re
from collections.abc import Mapping
from datetime import UTC
from typing import Any
from urllib.parse import quote

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from workers.channels.base import ChannelError, digest
from workers.channels.calls import CallError
from workers.channels.targets import Person, Place, Update, json_of, unknown_there
from workers.channels.webhook import headers_of

_CUSTOM = re.compile(r"[0-9a-f]{40}", re.ASCII)
"""The key of a field that a company made itself; all others are Pipedrive's own."""


class WebhookTarget:
    """Posts `{type, timestamp, data}` after Standard Webhooks, to whatever fills in a CRM.

    `data.number` counts up: whoever may get two out of order keeps the higher. The id names what
    is said, so that a receiver that drops repetitions never drops what is newer.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        try:
            self._signer = Webhook(place.secret)
        except (EmptyWebhookSecretError, ValueError):
            said = "the secret of a target cannot sign"
            hint = "write whsec_ and 24 to 64 random bytes in base64"
            raise CallError(ChannelError(said, outcome="retry", hint=hint)) from None

    def send(self, update: Update) -> int:
        """Post the update, signed."""
        body = update.body()
        said = digest(f"{update.key}/{sorted(update.fields.items())}")
        headers = headers_of(self._signer, f"msg_{said}", update.at.astimezone(UTC), body)
        return self._place.ask(update, "POST", f"/{self._place.path}", headers, body).status


class Pipedrive:
    """Fields of persons, and of the deals of leads, by the API v2.

    A contact is looked for by address or number and never made: the CRM knows its customers. A lead
    that is not there is made, with a deal: that is how a recommendation reaches sales. Whatever
    is made is looked for first, so that an attempt that is repeated makes nothing twice.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._headers = {"x-api-token": place.secret}

    def send(self, update: Update) -> int:
        """Set the fields of the person, or of the lead's deal."""
        person = self._person(update)
        if update.side == "contact":
            if person is None:
                raise unknown_there("the person")
            return self._ask(update, "PATCH", f"/persons/{person}", _split(update.fields))[0]
        if person is None:
            said = self._ask(update, "POST", "/persons", _made(update.person))[1]
            person = _id(said)
        deal = self._deal(update, person)
        fields = _split(update.fields)
        if deal is not None:
            return self._ask(update, "PATCH", f"/deals/{deal}", fields)[0]
        title = f"{update.person.company or update.person.name or update.person.id}"
        body = {"title": title, **fields, "person_id": person}
        return self._ask(update, "POST", "/deals", body)[0]

    def _person(self, update: Update) -> int | None:
        """Return the person with this address, else number; of several the first that was made."""
        for name, term in (("email", update.person.email), ("phone", update.person.phone)):
            if not term:
                continue
            path = f"/persons/search?term={quote(term, safe='')}&fields={name}&exact_match=true"
            items = self._ask(update, "GET", path)[1].get("items") or []
            if items:
                return min(int(each["item"]["id"]) for each in items)
        return None

    def _deal(self, update: Update, person: int) -> int | None:
        """Return the person's open deal, of several the first that was made.

        What is told later of a lead whose deal is over by then is of its newest deal: a second
        one would be a recommendation that nobody made.
        """
        path = f"/deals?person_id={person}&sort_by=id&limit=1"
        items = self._ask(update, "GET", f"{path}&sort_direction=asc&status=open")[1]
        if not items and update.number > 1:
            items = self._ask(update, "GET", f"{path}&sort_direction=desc")[1]
        return int(items[0]["id"]) if items else None

    def _ask(self, update: Update, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Make a request and return its status and `data`."""
        reply = self._place.ask(update, method, f"/api/v2{path}", self._headers, body)
        said = json_of(reply)
        if not isinstance(said, dict) or not isinstance(said.get("data"), dict | list):
            raise CallError(ChannelError("an answer is not Pipedrive's", outcome="retry"),
                            reply.status)  # fmt: skip
        return reply.status, said["data"]


def _id(said: Any) -> int:  # noqa: ANN401
    return int(said["id"])


def _made(person: Person) -> dict[str, object]:
    """Return a person as it is made: what we do not know is left out."""
    body: dict[str, object] = {"name": person.name or person.email or person.id}
    if person.email:
        body["emails"] = [{"value": person.email, "primary": True, "label": "work"}]
    if person.phone:
        body["phones"] = [{"value": person.phone, "primary": True, "label": "work"}]
    return body


def _split(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields as Pipedrive has them: a company's own ones apart."""
    custom = {key: said for key, said in fields.items() if _CUSTOM.fullmatch(key)}
    own = {key: said for key, said in fields.items() if key not in custom}
    return {**own, "custom_fields": custom} if custom else own
