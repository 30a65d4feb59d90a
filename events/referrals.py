"""Referrals and what becomes of the leads they bring."""

import re
from base64 import b32encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from events.values import Email, EventData, EventPart, Identifier, Name, Phone, ValueEur

CODE_CHARS_MAX = 60
"""Share codes are read out and typed; longer ones are none."""

_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]*", re.ASCII)


def code_key(written: str) -> str:
    """Return a share code as codes compare; empty if it cannot be one.

    >>> code_key(" anna-7k2 "), code_key("Anna de Vries")
    ('ANNA-7K2', '')
    """
    code = written.strip().upper()
    return code if len(code) <= CODE_CHARS_MAX and _CODE.fullmatch(code) else ""


def share_code(actor: str, medium: str) -> str:
    """Return the code of a contact's link by one medium; it tells nobody who the contact is.

    >>> len(share_code("contact/c-anna", "email"))
    10
    """
    digest = sha256(f"share\n{actor}\n{medium}".encode()).digest()
    return b32encode(digest).decode()[:10]


class Lead(EventPart):
    """The person who was recommended to us: named by an id, an address or a number.

    Without an id it is whoever is known by that address or number, else somebody new.
    """

    id: Annotated[
        Identifier | None, Field(description="The lead's id, as later events name it.")
    ] = None
    name: Annotated[Name | None, Field(description="Full name.")] = None
    email: Annotated[Email | None, Field(description="E-mail address.")] = None
    phone: Annotated[Phone | None, Field(description="Telephone number.")] = None
    company: Annotated[Name | None, Field(description="Where the lead works.")] = None

    @model_validator(mode="after")
    def _is_somebody(self) -> Self:
        if not (self.id or self.email or self.phone):
            raise PydanticCustomError("nobody", "needs an id, an e-mail address or a number")
        return self


class ReferralSubmitted(EventData):
    """A contact recommended us to somebody, by a link, a form or a call."""

    lead: Annotated[Lead, Field(description="Who was recommended to us.")]
    code: Annotated[Identifier | None, Field(description="The share code it came by.")] = None
    consent_to_contact: Annotated[
        bool | None, Field(description="The lead agreed to hear from us.")
    ] = None
    via: Annotated[Name | None, Field(description="The way it came: link, form, phone.")] = None

    @classmethod
    def lead_of(cls, data: Mapping[str, Any]) -> str:
        """Return the lead that was recommended; empty where intake has to find out who it is."""
        return str(data["lead"].get("id") or "")


class _OfLead(EventData):
    """What every event of a lead carries."""

    lead: Annotated[Identifier, Field(description="The lead's id.")]

    @classmethod
    def lead_of(cls, data: Mapping[str, Any]) -> str:
        return str(data["lead"])


class LeadCreated(_OfLead):
    """A lead was entered in the CRM."""

    referred_by: Annotated[
        Identifier | None, Field(description="The contact who recommended us.")
    ] = None


class LeadStageChanged(_OfLead):
    """A lead moved in the CRM's pipeline."""

    stage: Annotated[Identifier, Field(description="The stage it has reached.")]


class _Deal(_OfLead):
    """What every event of a deal carries."""

    deal: Annotated[Identifier, Field(description="The deal's id.")]
    value_eur: Annotated[ValueEur | None, Field(description="Its worth, in whole euros.")] = None


class DealOpened(_Deal):
    """A deal with a lead was opened."""


class DealWon(_Deal):
    """A deal with a lead was won."""


class DealLost(_Deal):
    """A deal with a lead was lost, or a win taken back."""


class DealRefunded(_Deal):
    """What a lead paid was paid back."""


class ContractCancelled(_Deal):
    """A lead who became a customer cancelled the contract."""


class ReviewApproved(EventData):
    """A person looked at a referral under review and let it pass."""

    referral: Annotated[Identifier, Field(description="The referral's id.")]


class ReviewRejected(EventData):
    """A person looked at a referral under review and turned it down."""

    referral: Annotated[Identifier, Field(description="The referral's id.")]
