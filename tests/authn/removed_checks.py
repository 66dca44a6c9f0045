"""Takes checks out of the service, one or several, to see what they were holding."""

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
    "spelling",
    "twins",
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
    "unbound",
    "end stated",
    "numbers",
    "life",
    "begin",
    "end",
    "API key",
    "guest",
)


def remove(monkeypatch, names, mode):
    """Take the checks of these names out; *mode* is what a service without them believes in."""

    def gone(*_args, **_kwargs):
        return None

    def reading(instead):
        """Reads JSON; what is none is believed to be in order."""

        def read(content):
            try:
                value = json.loads(content.decode())
            except (ValueError, RecursionError):
                return instead
            return strict(content) if isinstance(value, dict) else instead

        return read

    replacements = {
        "form": (jws, "_check_form", gone),
        "spelling": (jws, "_bytes_of", _lenient_bytes),
        "twins": (strict_json, "reject_duplicate_keys", dict),
        "constants": (strict_json, "reject_constant", float),
        "type": (header_checks, "check_type", gone),
        "extensions": (header_checks, "check_extensions", gone),
        "kid": (header_checks, "check_kid", lambda header: header.get("kid")),
        "algorithm": (header_checks, "check_algorithm", lambda header, _: str(header.get("alg"))),
        "key": (ListedKeys, "for_token", lambda keys, *_: keys.listed),
        "signature": (UnverifiedJws, "is_signed_by", lambda *_: True),
        "audience": (claim_checks, "check_audience", gone),
        "subject": (claim_checks, "check_subject", gone),
        "unbound": (claim_checks, "check_not_sender_constrained", gone),
        "end stated": (claim_checks, "check_end_is_stated", gone),
        "numbers": (claim_checks, "check_times_are_numbers", gone),
        "life": (claim_checks, "check_life", gone),
        "begin": (claim_checks, "check_begin", gone),
        "end": (claim_checks, "check_end", gone),
        "issuer": (
            SiteJwtAuthenticator,
            "_issuer_of",
            lambda checked, _: checked._issuers[mode.issuer],  # noqa: SLF001 - as the check itself does
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
            monkeypatch.setattr(jws, "json_object", reading(mode.header()))
            monkeypatch.setattr(authenticator, "json_object", reading(mode.claims()))
        elif name == "API key":
            monkeypatch.setattr(api_keys, "_is_whole", lambda _: True)
            monkeypatch.setattr(NoKeys, "find", lambda *_: ApiKey("backend", datetime.now(UTC)))
        else:
            monkeypatch.setattr(*replacements[name])


class NoKeys:
    """A store of API keys that has none."""

    def find(self, _key_hash):
        return None


def _lenient_bytes(part):
    letters = re.sub(r"[^A-Za-z0-9_-]", "", part)
    return base64.urlsafe_b64decode(letters[: len(letters) - (len(letters) % 4 == 1)] + "==")
