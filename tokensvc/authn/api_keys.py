"""Makes and authenticates API keys, for backends that fetch tokens for their users."""

import secrets
import string
import zlib

from tokensvc.domain import KEY_ISSUER_PREFIX, Credentials, Principal, fingerprint
from tokensvc.errors import InvalidRequest, InvalidToken
from tokensvc.plain_text import LONGEST_SUBJECT, is_subject
from tokensvc.store.api_keys import ApiKeys

PREFIX = "tsk_"  # so that people and secret scanners recognize a key
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM = 32  # characters, each one of 62: 190 bits
_CHECKSUM = 6  # characters, enough for a CRC-32


def make_key() -> str:
    """Return a new API key: a secret, to be shown once."""
    random = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return PREFIX + random + _checksum(random)


def authenticate_api_key(keys: ApiKeys, credentials: Credentials) -> Principal | None:
    """Return the user that a backend acts for, to whom limits apply, or the backend itself; None without an API key.

    Raises:
        InvalidToken: if the key is unknown or was removed.
        InvalidRequest: if the user's name is not valid.
        TemporarilyUnavailable: if the store cannot be read.
    """
    unverified = credentials.unverified_bearer
    if unverified is None or not unverified.startswith(PREFIX):
        return None
    key = keys.find(fingerprint(unverified)) if _checksum_matches(unverified) else None
    if key is None:
        raise InvalidToken(cause="API key unknown or removed")
    subject = credentials.unverified_on_behalf_of
    if subject is None:
        subject = key.name
    if not is_subject(subject):
        raise InvalidRequest(f"“on_behalf_of” must be a string of 1 to {LONGEST_SUBJECT} plain characters.")
    return Principal("key", KEY_ISSUER_PREFIX + key.name, subject, profiles=key.profiles)


def _checksum_matches(unverified: str) -> bool:
    """Return whether the checksum is right, so that a mistyped key costs no lookup."""
    random, checksum = unverified[len(PREFIX) : -_CHECKSUM], unverified[-_CHECKSUM:]
    return len(random) == _RANDOM and checksum == _checksum(random)


def _checksum(random: str) -> str:
    """Return the CRC-32 of *random*, in base 62."""
    number = zlib.crc32(random.encode("utf-8", "surrogatepass"))  # never raises
    digits = ""
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
