"""Which domains tell nothing of a firm: free mail, and addresses that are thrown away after use.

A provider known by one name in many countries is listed by that name (`yahoo` of `yahoo.co.uk`);
one whose name is an everyday word only by its whole domain, since a firm may bear that name too.
A programme adds domains of its own under `referrals.domains`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

FREE_NAMES = frozenset({
    "gmail", "googlemail", "outlook", "hotmail", "msn", "yahoo", "ymail", "rocketmail", "icloud",
    "aol", "gmx", "t-online", "protonmail", "tutanota", "fastmail", "hushmail", "yandex", "rambler",
    "chello", "wanadoo",
})  # fmt: skip
"""Providers that bear the same name wherever they are, and that no firm is called by."""

FREE_DOMAINS = frozenset({
    "kpnmail.nl", "ziggo.nl", "xs4all.nl", "hetnet.nl", "casema.nl", "upcmail.nl", "quicknet.nl",
    "zonnet.nl", "telenet.be", "proximus.be", "laposte.net", "freenet.de", "posteo.de",
    "posteo.net", "bluewin.ch", "hispeed.ch", "btinternet.com", "virginmedia.com", "talktalk.net",
    "ntlworld.com", "blueyonder.co.uk", "comcast.net", "sbcglobal.net", "bellsouth.net",
    "verizon.net", "libero.it", "virgilio.it", "seznam.cz", "naver.com", "tutamail.com",
    "live.com", "live.nl", "live.be", "live.de", "live.fr", "live.co.uk", "live.it", "me.com",
    "mac.com", "pm.me", "proton.me", "tuta.com", "tuta.io", "keemail.me", "zoho.com", "zoho.eu",
    "zohomail.com", "zohomail.eu", "mail.com", "email.com", "mail.de", "email.de", "mail.ru",
    "bk.ru", "list.ru", "inbox.ru", "inbox.com", "ukr.net", "mailbox.org", "hey.com", "duck.com",
    "web.de", "arcor.de", "online.de", "1und1.de", "vodafone.de", "unitybox.de", "aon.at",
    "a1.net", "sunrise.ch", "planet.nl", "home.nl", "online.nl", "solcon.nl", "tele2.nl",
    "freeler.nl", "caiway.nl", "caiway.net", "delta.nl", "zeelandnet.nl", "skynet.be",
    "scarlet.be", "voo.be", "orange.fr", "free.fr", "sfr.fr", "neuf.fr", "bbox.fr",
    "numericable.fr",
    "orange.net", "orange.be", "sky.com", "tiscali.co.uk", "tiscali.it", "tiscali.nl", "alice.it",
    "tin.it", "att.net", "cox.net", "charter.net", "earthlink.net", "shaw.ca", "rogers.com",
    "qq.com", "163.com", "126.com", "sina.com", "wp.pl", "o2.pl", "onet.pl", "interia.pl",
    "telia.com", "telefonica.net", "terra.es", "sapo.pt", "optusnet.com.au", "bigpond.com",
})  # fmt: skip
"""Providers whose name a firm may bear elsewhere."""

DISPOSABLE_NAMES = frozenset({
    "mailinator", "guerrillamail", "guerrillamailblock", "sharklasers", "10minutemail",
    "10minemail", "20minutemail", "tempmail", "temp-mail", "tempmailo", "tempinbox",
    "yopmail", "trashmail", "trash-mail", "throwawaymail", "maildrop", "mailnesia", "mailcatch",
    "getnada", "dispostable", "discardmail", "fakeinbox", "fakemail", "mintemail", "moakt",
    "mohmal", "spamgourmet", "spambog", "spamex", "wegwerfmail", "wegwerfemail", "einwegmail",
    "einrot", "emailondeck", "inboxkitten", "jetable", "mailexpire", "mailnull", "mvrht",
    "onetimemail", "burnermail", "anonaddy", "33mail", "minuteinbox", "luxusmail", "tmpmail",
    "incognitomail", "safetymail",
})  # fmt: skip
"""Providers of addresses to be thrown away, by the name they bear."""

DISPOSABLE_DOMAINS = frozenset({
    "grr.la", "spam4.me", "nada.email", "discard.email", "tempr.email", "byom.de", "mytemp.email",
    "anon.email", "harakirimail.com", "mailpoof.com", "1secmail.com", "1secmail.org",
})  # fmt: skip
"""The same by their whole domain, where a firm may bear the name."""

_PUBLIC_SECOND = frozenset({"co", "com", "org", "net", "ac", "gov", "edu"})


def registered(domain: str) -> str:
    """Return the part of a domain that somebody registered.

    >>> registered("mail.boot.co.uk"), registered("localhost")
    ('boot.co.uk', '')
    """
    parts = [part for part in domain.split(".") if part]
    kept = 3 if len(parts) > 2 and parts[-2] in _PUBLIC_SECOND else 2  # noqa: PLR2004
    return ".".join(parts[-kept:]) if len(parts) > 1 else ""


def label_of(domain: str) -> str:
    """Return the name that a domain was registered under.

    >>> label_of("mail.boot.co.uk")
    'boot'
    """
    return registered(domain).partition(".")[0]


@dataclass(frozen=True, slots=True)
class MailDomains:
    """Domains that belong to no firm: the lists here and those that a programme adds.

    Attributes:
        free: Domains of the programme's own list at which people of any firm have an address.
        disposable: Likewise those whose addresses are thrown away.

    >>> ours = MailDomains(frozenset({"kabel.example"}), frozenset())
    >>> [ours.firm(each) for each in ("acme.example", "gmail.com", "kabel.example", "web.example")]
    ['acme.example', '', '', 'web.example']
    """

    free: frozenset[str] = frozenset()
    disposable: frozenset[str] = frozenset()

    @classmethod
    def of(cls, free: Iterable[str], disposable: Iterable[str]) -> "MailDomains":
        """Return them with a programme's lists, as domains compare."""
        return cls(*(frozenset(each.casefold() for each in given) for given in (free, disposable)))

    def firm(self, domain: str) -> str:
        """Return the domain that a firm has for itself; '' for one that anybody has."""
        own = registered(domain)
        if not own or self._is_free(domain, own) or self.is_disposable(domain):
            return ""
        return own

    def _is_free(self, domain: str, own: str) -> bool:
        return (
            label_of(own) in FREE_NAMES
            or own in FREE_DOMAINS
            or not self.free.isdisjoint((domain, own))
        )

    def is_disposable(self, domain: str) -> bool:
        """Tell whether addresses of a domain are thrown away after use."""
        own = registered(domain)
        return (
            label_of(own) in DISPOSABLE_NAMES
            or own in DISPOSABLE_DOMAINS
            or not self.disposable.isdisjoint((domain, own))
        )
