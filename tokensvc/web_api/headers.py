"""The headers of every response: security headers, unless its route has set them, and the caller's quotas."""

import math
import re
from collections.abc import Sequence

from flask import Flask, Response, request

from tokensvc.config.file import Http
from tokensvc.domain import Quota

DEFAULTS = [
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
]
_HTTPS_FOR_A_YEAR = ("Strict-Transport-Security", "max-age=31536000")


def security_headers(http: Http, scheme: str) -> list[tuple[str, str]]:
    """Return the headers of a response to a request over *scheme* (OWASP ASVS 5.0, V3.4)."""
    # Behind a proxy that terminates TLS, only public_url says that browsers use https.
    return [*DEFAULTS, _HTTPS_FOR_A_YEAR] if http.by_https or scheme == "https" else DEFAULTS


def install(app: Flask, http: Http) -> None:
    """Add security headers to every response of *app*."""

    def set_headers(response: Response) -> Response:
        for name, value in security_headers(http, request.scheme):
            response.headers.setdefault(name, value)
        return response

    app.after_request(set_headers)


def quota_headers(quotas: Sequence[Quota]) -> list[tuple[str, str]]:
    """Return RateLimit and RateLimit-Policy, or none if *quotas* is empty (draft-ietf-httpapi-ratelimit-headers-11)."""
    if not quotas:
        return []
    policy = ", ".join(f"{_name(quota)};q={quota.limit.count};w={quota.limit.seconds}" for quota in quotas)
    left = ", ".join(f"{_name(quota)};r={quota.remaining};t={math.ceil(quota.reset)}" for quota in quotas)
    return [("RateLimit-Policy", policy), ("RateLimit", left)]


def _name(quota: Quota) -> str:
    """Return the quota's name as a structured string (RFC 8941); a group's name may be any text."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", quota.name)
    # A window with several limits needs a different name for each.
    return f'"{plain}-{quota.limit.seconds}"'
