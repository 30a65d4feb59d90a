"""API keys as their holders see them: a secret that is shown once and stored as a hash."""

import secrets
from hashlib import sha256
from typing import Final

SECRET_PREFIX: Final = "vk_"  # noqa: S105 - lets scanners of repositories recognise a leaked key
SECRET_BYTES: Final = 32


def new_secret() -> str:
    """Return a fresh secret, to be shown once."""
    return SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def secret_hash(secret: str) -> str:
    """Return what is stored of a secret.

    A plain hash: secrets are 256 random bits, so there is nothing to guess slowly.
    """
    return sha256(secret.encode("utf-8", "replace")).hexdigest()
