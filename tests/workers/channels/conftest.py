"""A mail server and a gateway of a test's own, and channels to them."""

from collections.abc import Iterator

import pytest

from tests.workers.channels.senders import DOMAIN, HOST, channel_to
from tests.workers.gateway import Gateway
from tests.workers.gateway import serving as serving_gateway
from tests.workers.mailserver import Mailbox, serving
from workers.channels.email import EmailChannel
from workers.channels.webhook import WebhookChannel


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def place(mailbox: Mailbox) -> Iterator[str]:
    """Give the host and port of a server for the mailbox."""
    with serving(mailbox) as place:
        yield place


@pytest.fixture
def email(place: str) -> EmailChannel:
    return EmailChannel(f"smtp://{place}?timeout=5", domain=DOMAIN)


@pytest.fixture
def hasty(place: str) -> EmailChannel:
    """Give a channel that does not wait for a silent server."""
    return EmailChannel(f"smtp://{place}?timeout=0.2", domain=DOMAIN)


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def port(gateway: Gateway) -> Iterator[int]:
    with serving_gateway(gateway) as port:
        yield port


@pytest.fixture
def channel(port: int) -> WebhookChannel:
    """Give a channel to the gateway by a name that only it resolves."""
    return channel_to(f"http://{HOST}:{port}/in?a=1")
