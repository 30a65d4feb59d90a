"""Who sends, and to where: a domain of ours, a gateway by a name that only its channel resolves."""

from collections.abc import Sequence

from workers.channels.outbound import Outbound
from workers.channels.webhook import WebhookChannel

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the standard's example
HOST = "gateway.example"
DOMAIN = "vouch.example"


def here(host: str, port: int) -> Sequence[str]:
    """Resolve every name to this machine."""
    return ["127.0.0.1"]


def channel_to(url: str, timeout: float = 5) -> WebhookChannel:
    outbound = Outbound([HOST], allow_private=True, timeout=timeout, resolve=here)
    return WebhookChannel(url, secret=SECRET, outbound=outbound)
