"""A personal video beside what a page asks: a link that the programme keeps for each contact.

No key of the language is needed: `fields: {contact: {video: string, share_video: string}}`
declares them, `contact.updated` and imports fill them in. Pages load nothing from elsewhere, so
the video is a link and opens where it is kept.
"""

import asyncio
from typing import Final
from urllib.parse import urlsplit

from store import contacts
from workers.web.services import Applied, Services

OWN: Final = "video"
"""Made for the contact, by whoever looks after them: on the contact's own pages."""
SHARED: Final = "share_video"
"""Made by the contact, for those they recommend us to: on the page of their share links."""
LINK_CHARS_MAX: Final = 2_000


async def video_of(services: Services, programme: Applied, actor: str, field: str) -> str:
    """Return the link of a contact's video; empty where there is none, or none to be trusted.

    Only `https` is one, so that a field filled in by mistake leads nowhere.
    """
    if field not in programme.policies.fields.contact:
        return ""
    link = await asyncio.to_thread(_read, services, actor, field)
    return link if _is_safe(link) else ""


def _read(services: Services, actor: str, field: str) -> str:
    with services.store.reader() as conn:
        actor = contacts.resolve(conn, actor)
        return str(contacts.get(conn, [actor]).get(actor, {}).get(field) or "")


def _is_safe(link: str) -> bool:
    if not link or len(link) > LINK_CHARS_MAX or not link.isprintable():
        return False
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
