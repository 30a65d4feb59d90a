"""Who is who in a recommendation: addresses made comparable, and the signs of a wrong one.

Of the referrer only marks travel to the lead's document: hashes that are compared and tell
nobody an address.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256

from workflows.mail_domains import MailDomains
from workflows.policies import Verdict
from workflows.sources import normal_phone
from workflows.state import Doc

_DOTS_IGNORED = frozenset({"gmail.com", "googlemail.com"})
_TAIL_DIGITS = 9
"""Digits that a number keeps, whether it is written with its country or without."""

ORDER = ("self", "own_firm", "customer", "open_deal", "disposable", "velocity")
"""Checks in the order in which they are asked; the first that hits decides."""
WORDS = {"reject": "rejected", "not_eligible": "not_eligible", "review": "review", "hold": "held"}
"""What a referral's verdict is called, by what the policy says."""
REASONS = {"customer": "existing_customer"}
"""What the reason is called, where that is not the check's name."""


def canonical_email(text: str) -> str:
    """Return an address as one person's addresses compare.

    Without case, without what follows a plus, in punycode, and at Gmail without dots.

    >>> canonical_email("Anna.de.Vries+Vriend@GMail.com")
    'annadevries@gmail.com'
    """
    local, at, domain = text.strip().casefold().rpartition("@")
    if not at or not local:
        return ""
    domain = _punycode(domain)
    local = local.partition("+")[0] or local
    if domain in _DOTS_IGNORED:
        local = local.replace(".", "")
        domain = "gmail.com"
    return f"{local}@{domain}"


def domain_of(email: str) -> str:
    """Return the domain of an address as domains compare; '' where there is none."""
    return canonical_email(email).rpartition("@")[2]


def firm_domain(email: str, mail: MailDomains) -> str:
    """Return the domain of a firm's own; '' where people of any firm have an address.

    >>> firm_domain("jan@acme.example", MailDomains()), firm_domain("jan@gmail.com", MailDomains())
    ('acme.example', '')
    """
    return mail.firm(domain_of(email))


def emails_of(person: Mapping[str, object]) -> list[str]:
    """Return the addresses of somebody, those of old among them."""
    also = person.get("also")
    known = [person.get("email"), *(also if isinstance(also, list) else ())]
    return [text for text in known if isinstance(text, str) and "@" in text]


def marks_of(person: Mapping[str, object]) -> list[str]:
    """Return what tells a person apart, as hashes: every address, number and way of paying."""
    return sorted({_hashed(sign) for sign in _signs(person)})


def _signs(person: Mapping[str, object]) -> Iterator[str]:
    for email in emails_of(person):
        yield f"email:{canonical_email(email)}"
    for phone in _phones_of(person):
        number = normal_phone(phone)
        digits = re.sub(r"\D", "", number)
        yield f"phone:{number}"
        if len(digits) > _TAIL_DIGITS:  # one without its country is the same number
            yield f"phone:{digits[-_TAIL_DIGITS:]}"
    reference = person.get("payment_ref")
    if isinstance(reference, str) and reference:
        yield f"payment:{reference.strip().casefold()}"


def _phones_of(person: Mapping[str, object]) -> list[str]:
    """Return the numbers of somebody, those of old among them."""
    also = person.get("also")
    old = (each for each in (also if isinstance(also, list) else ()) if "@" not in str(each))
    return [text for text in (person.get("phone"), *old) if isinstance(text, str) and text]


def _hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:20]


def _punycode(domain: str) -> str:
    domain = domain.strip().rstrip(".")
    if domain.isascii():
        return domain
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain


def chosen(hits: Mapping[str, str], policies: Mapping[str, Verdict]) -> tuple[str, str]:
    """Return the verdict's name and the reason: a rejection first, else the first that hit.

    `hits` has what each check that hit saw. Two empty texts where nothing stands against it.
    """
    found = [name for name in ORDER if name in hits and name in policies]
    if not found:
        return "", ""
    name = next((name for name in found if policies[name].verdict == "reject"), found[0])
    return WORDS[policies[name].verdict], REASONS.get(name, name)


def signals(hits: Mapping[str, str], extra: Iterable[str] = ()) -> list[str]:
    """Return what the checks saw, for the timeline and never for the referrer: `self/email`."""
    return [*(f"{name}/{hits[name]}" for name in ORDER if name in hits), *extra]


def identity(contact: str, doc: Doc, mail: MailDomains) -> Doc:
    """Return what the lead's actor needs to know of a referrer to compare the two."""
    domains = {firm_domain(email, mail) for email in emails_of(doc)} - {""}
    return {
        "id": contact, "marks": marks_of(doc), "account": doc.get("account", ""),
        "domains": sorted(domains),
    }  # fmt: skip
