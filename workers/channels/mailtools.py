"""Scores to mail tools: Mailchimp and Campaign Monitor, by their documented interfaces.

Neither is told to write to anybody new: who is not on the list stays off it, since being on a
list is a consent, and ours is not theirs.
"""

from base64 import b64encode
from hashlib import md5
from typing import Any
from urllib.parse import quote

from workers.channels.calls import CallError
from workers.channels.targets import Place, Update, json_of, unknown_there

_NOT_FOUND, _BAD_REQUEST = 404, 400
_NOT_IN_LIST = 203
"""Campaign Monitor's code for an address that is not in the list."""


class Mailchimp:
    """Merge fields and tags of a list's member, by the Marketing API 3.0.

    A value that is true or false is a tag of the field's name, set or taken away, since merge
    fields have no such type; all others are merge fields.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._headers = _basic("vouch", place.secret)

    def send(self, update: Update) -> int:
        """Set the member's merge fields, then its tags."""
        email = update.person.email
        if not email:
            raise unknown_there("somebody without an address")
        name = md5(email.lower().encode(), usedforsecurity=False).hexdigest()
        member = f"/3.0/lists/{quote(self._place.path, safe='')}/members/{name}"
        tags = {key: said for key, said in update.fields.items() if isinstance(said, bool)}
        merge = {key: _text(said) for key, said in update.fields.items() if key not in tags}
        status = 0
        try:
            if merge:
                path = f"{member}?skip_merge_validation=true"
                body: Any = {"merge_fields": merge}
                status = self._place.ask(update, "PATCH", path, self._headers, body).status
            if tags:
                body = {"tags": [{"name": key, "status": "active" if said else "inactive"}
                                 for key, said in tags.items()]}  # fmt: skip
                path = f"{member}/tags"
                status = self._place.ask(update, "POST", path, self._headers, body).status
        except CallError as error:
            if error.status == _NOT_FOUND:
                raise unknown_there("the member") from error
            raise
        return status


class CampaignMonitor:
    """Custom fields of a list's subscriber, by the API 3.3.

    Who unsubscribed there is not subscribed again, and nothing is asked of tracking.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._headers = _basic(place.secret, "x")

    def send(self, update: Update) -> int:
        """Set the subscriber's custom fields."""
        email = update.person.email
        if not email:
            raise unknown_there("somebody without an address")
        list_ = quote(self._place.path, safe="")
        path = f"/api/v3.3/subscribers/{list_}.json?email={quote(email, safe='')}"
        body = {
            "EmailAddress": email,
            "CustomFields": [field for key, said in update.fields.items()
                             for field in _fields(key, said)],
            "Resubscribe": False,
            "RestartSubscriptionBasedAutoresponders": False,
            "ConsentToTrack": "Unchanged",
        }  # fmt: skip
        try:
            return self._place.ask(update, "PUT", path, self._headers, body).status
        except CallError as error:
            said = json_of(error.reply)
            code = said.get("Code") if isinstance(said, dict) else None
            if error.status == _BAD_REQUEST and code == _NOT_IN_LIST:
                raise unknown_there("the subscriber") from error
            raise


def _fields(key: str, said: object) -> list[dict[str, object]]:
    """Return a custom field; of one that may hold several values, one entry a value."""
    if isinstance(said, list):
        if not said:
            return [{"Key": key, "Value": "", "Clear": True}]
        return [{"Key": key, "Value": _text(each)} for each in said]
    if said in (None, ""):
        return [{"Key": key, "Value": "", "Clear": True}]
    return [{"Key": key, "Value": _text(said)}]


def _text(said: object) -> object:
    """Return a value as mail tools take it: numbers as they are, everything else as text."""
    if said is None:
        return ""
    if isinstance(said, bool):
        return "true" if said else "false"
    if isinstance(said, int | float | str):
        return said
    return ", ".join(str(each) for each in said) if isinstance(said, list) else str(said)


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}
