"""Where each tool of the tests is, and the people whose fields are written there."""

from workers.channels.outbound import Outbound
from workers.channels.targets import HttpTargets, Person

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the standard's example
HOST = "tools.example"
STARS = "0123456789012345678901234567890123456789"
"""The key of a field of Pipedrive's that the company made itself."""
ANNA = Person("c-anna", "Anna de Vries", "Anna", "de Vries", "Anna@acme.example")
DAAN = Person("l-daan", "Daan", email="daan@polder.example", company="Polder")


def targets_at(port: int, **more: str) -> HttpTargets:
    outbound = Outbound([HOST], allow_private=True, timeout=5, resolve=lambda *_: ["127.0.0.1"])
    at = f"+http://{HOST}:{port}"
    return HttpTargets(
        outbound,
        {
            "VOUCH_SYNC_MAILCHIMP": f"mailchimp{at}/L1",
            "VOUCH_SYNC_MAILCHIMP_SECRET": "key-us21",
            "VOUCH_SYNC_CAMPAIGN_MONITOR": f"campaignmonitor{at}/CM1",
            "VOUCH_SYNC_CAMPAIGN_MONITOR_SECRET": "cm-key",
            "VOUCH_SYNC_PIPEDRIVE": f"pipedrive{at}",
            "VOUCH_SYNC_PIPEDRIVE_SECRET": "pd-token",
            "VOUCH_SYNC_TOOL": f"mailchimp{at}/L1",
            "VOUCH_SYNC_TOOL_SECRET": "key-us21",
            "VOUCH_SYNC_CRM": f"webhook{at}/vouch",
            "VOUCH_SYNC_CRM_SECRET": SECRET,
            **more,
        },
    )
