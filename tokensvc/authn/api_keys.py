"""API keys, for backends that fetch tokens for their users."""

from __future__ import annotations

import secrets
import string
import zlib
from typing import TYPE_CHECKING, Protocol

from tokensvc.authn.subjects import LONGEST_SUBJECT, is_subject
from tokensvc.domain import KEY_ISSUER_PREFIX, Principal
from tokensvc.errors import InvalidRequest, InvalidToken
from tokensvc.signing.fingerprints import fingerprint

if TYPE_CHECKING:
    from tokensvc.domain import ApiKey, Credentials

PREFIX = "tsk_"  # so that people, and scanners of source code, know one when they see it
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM = 32  # letters of 62, which are 190 bits
_CHECKSUM = 6  # letters, which hold a CRC-32


class KeyStore(Protocol):
    """Where API keys are, by their fingerprints."""

    def find(self, key_hash: str) -> ApiKey | None:
        """The key with that fingerprint, or None."""
        ...


def make_key() -> str:
    """A new API key; a secret, to be shown once."""
    random = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return PREFIX + random + _checksum(random)


class ApiKeyAuthenticator:
    """Believes whoever has a key; its backend says for whom it asks, and limits count that user."""

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys

    def authenticate(self, credentials: Credentials) -> Principal | None:
        """The user that the key's backend speaks for, or the backend itself; None for no API key.

        Raises:
            InvalidToken: for a key that is none of ours, or no longer.
            InvalidRequest: where the user is no plain name.
            TemporarilyUnavailable: where the store cannot be read.
        """
        unverified = credentials.unverified_bearer
        if unverified is None or not unverified.startswith(PREFIX):
            return None
        key = self._keys.find(fingerprint(unverified)) if _is_whole(unverified) else None
        if key is None:
            raise InvalidToken(cause="an API key that is not one of ours, or no longer")
        subject = credentials.unverified_on_behalf_of
        if subject is None:
            subject = key.name
        if not is_subject(subject):
            raise InvalidRequest(
                f"“on_behalf_of” must be a string of 1 to {LONGEST_SUBJECT} plain characters."
            )
        return Principal("key", KEY_ISSUER_PREFIX + key.name, subject, profiles=key.profiles)


def _is_whole(unverified: str) -> bool:
    """Whether the checksum fits: a key cut short while it was copied costs no look-up."""
    random, checksum = unverified[len(PREFIX) : -_CHECKSUM], unverified[-_CHECKSUM:]
    return len(random) == _RANDOM and checksum == _checksum(random)


def _checksum(random: str) -> str:
    rest = zlib.crc32(random.encode("utf-8", "surrogatepass"))
    letters = []
    for _ in range(_CHECKSUM):
        rest, letter = divmod(rest, len(_ALPHABET))
        letters.append(_ALPHABET[letter])
    return "".join(reversed(letters))
