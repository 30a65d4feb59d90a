"""Text messages, through whatever gateway takes a signed webhook."""

from typing import Any

from workers.channels.base import Parcel
from workers.channels.outbound import Outbound
from workers.channels.webhook import WebhookChannel


class SmsChannel(WebhookChannel):
    """Posts `{key, to, sender, text}` to a gateway; `to` is a number in E.164."""

    def __init__(self, url: str, *, secret: str, outbound: Outbound) -> None:
        super().__init__(url, secret=secret, outbound=outbound, name="sms")

    def payload(self, parcel: Parcel) -> dict[str, Any]:
        """Return what a gateway needs and nothing else about the recipient."""
        return {
            "key": parcel.key,
            "to": parcel.address,
            "sender": parcel.sender_name,
            "text": parcel.text,
        }
