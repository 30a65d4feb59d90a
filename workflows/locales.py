"""The languages that a locale can begin with (ISO 639-1), and countries taken for one."""

import re

_LOCALE = re.compile(r"(?P<language>[a-z]{2,3})(?:[-_][A-Za-z0-9]{2,8})*\Z")
_CODES = """
aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy
da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu
hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb
lg li ln lo lt lu lv mg mh mi mk ml mn mo mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj
om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su
sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
LANGUAGES = frozenset(_CODES.split())
"""Every language of two letters."""
_OF_COUNTRY = {
    "at": "de", "au": "en", "cn": "zh", "cz": "cs", "dk": "da", "gb": "en", "gr": "el",
    "ir": "fa", "jp": "ja", "mx": "es", "nz": "en", "rs": "sr", "ua": "uk", "us": "en", "vn": "vi",
    "ned": "nl", "eng": "en", "ger": "de", "deu": "de", "fra": "fr", "fre": "fr", "spa": "es",
}  # fmt: skip
_IN_WORDS = {
    "dutch": "nl", "nederlands": "nl", "german": "de", "deutsch": "de", "english": "en",
    "french": "fr", "spanish": "es", "italian": "it", "danish": "da", "swedish": "sv",
    "norwegian": "no", "polish": "pl", "czech": "cs", "portuguese": "pt", "frisian": "fy",
}  # fmt: skip


def is_locale(text: str) -> bool:
    """Return whether a text is a language, with or without its country: `nl`, `pt-BR`."""
    found = _LOCALE.match(text)
    if not found or found["language"] in _OF_COUNTRY:
        return False
    return len(found["language"]) > len("nl") or found["language"] in LANGUAGES


def meant_locale(text: str) -> str:
    """Return the locale that somebody means who wrote a country or a word, '' if none is known.

    >>> meant_locale("dk"), meant_locale("German"), meant_locale("EN"), meant_locale("de_at")
    ('da', 'de', 'en', 'de_at')
    """
    plain = text.strip().lower()
    language, sign, country = plain.partition("-" if "-" in plain else "_")
    known = _IN_WORDS.get(language) or _OF_COUNTRY.get(language) or language
    meant = f"{known}{sign}{country}"
    return meant if is_locale(meant) else ""
