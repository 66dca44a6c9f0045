"""Removes checks from the service, one or several, to show which attacks they stop."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime

from tokensvc import strict_json
from tokensvc.authn import api_keys
from tokensvc.authn.guests import GuestAuthenticator
from tokensvc.authn.site_jwt import authenticator, claim_checks, header_checks, jws
from tokensvc.authn.site_jwt.authenticator import SiteJwtAuthenticator
from tokensvc.authn.site_jwt.jws import UnverifiedJws
from tokensvc.authn.site_jwt.keys import ListedKeys
from tokensvc.domain import ApiKey, Principal

CHECKS = (
    "form",
    "encoding",
    "duplicates",
    "constants",
    "JSON",
    "issuer",
    "type",
    "extensions",
    "kid",
    "algorithm",
    "key",
    "signature",
    "audience",
    "subject",
    "binding",
    "expiry present",
    "numeric times",
    "lifetime",
    "not before",
    "expiry",
    "API key",
    "guest",
)


def remove(monkeypatch, names, mode):
    """Remove the checks of these names; *mode* is the issuer the service then trusts."""

    def accept(*_args, **_kwargs):
        return None

    def lenient_reader(fallback):
        """Return a JSON reader that gives *fallback* for anything but an object."""

        def read(content):
            try:
                value = json.loads(content.decode())
            except (ValueError, RecursionError):
                return fallback
            return strict(content) if isinstance(value, dict) else fallback

        return read

    replacements = {
        "form": (jws, "_check_form", accept),
        "encoding": (jws, "_bytes_of", _lenient_bytes),
        "duplicates": (strict_json, "reject_duplicate_keys", dict),
        "constants": (strict_json, "reject_constant", float),
        "type": (header_checks, "check_type", accept),
        "extensions": (header_checks, "check_extensions", accept),
        "kid": (header_checks, "check_kid", lambda header: header.get("kid")),
        "algorithm": (header_checks, "check_algorithm", lambda header, _: str(header.get("alg"))),
        "key": (ListedKeys, "for_token", lambda keys, *_: keys.listed),
        "signature": (UnverifiedJws, "is_signed_by", lambda *_: True),
        "audience": (claim_checks, "check_audience", accept),
        "subject": (claim_checks, "check_subject", accept),
        "binding": (claim_checks, "check_not_sender_constrained", accept),
        "expiry present": (claim_checks, "check_end_is_stated", accept),
        "numeric times": (claim_checks, "check_times_are_numbers", accept),
        "lifetime": (claim_checks, "check_life", accept),
        "not before": (claim_checks, "check_begin", accept),
        "expiry": (claim_checks, "check_end", accept),
        "issuer": (
            SiteJwtAuthenticator,
            "_issuer_of",
            lambda checked, _: checked._issuers[mode.issuer],  # noqa: SLF001 - like the removed check
        ),
        "guest": (
            GuestAuthenticator,
            "authenticate",
            lambda *_: Principal("guest", "guest", "anybody"),
        ),
    }
    strict = jws.json_object
    for name in names:
        if name == "JSON":
            monkeypatch.setattr(jws, "json_object", lenient_reader(mode.header()))
            monkeypatch.setattr(authenticator, "json_object", lenient_reader(mode.claims()))
        elif name == "API key":
            monkeypatch.setattr(api_keys, "_checksum_matches", lambda _: True)
            monkeypatch.setattr(
                EmptyApiKeyStore, "find", lambda *_: ApiKey("backend", datetime.now(UTC))
            )
        else:
            monkeypatch.setattr(*replacements[name])


class EmptyApiKeyStore:
    """A store without API keys."""

    def find(self, _key_hash):
        return None


def _lenient_bytes(part):
    letters = re.sub(r"[^A-Za-z0-9_-]", "", part)
    return base64.urlsafe_b64decode(letters[: len(letters) - (len(letters) % 4 == 1)] + "==")
