"""Sets security headers on every response, unless its route has set them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, request

if TYPE_CHECKING:
    from tokensvc.config.file import Http

_DEFAULTS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HTTPS_FOR_A_YEAR = "max-age=31536000"


def install(app: Flask, http: Http) -> None:
    """Add security headers to every response of *app* (OWASP ASVS 5.0, V3.4)."""

    def set_headers(response: Response) -> Response:
        for name, value in _DEFAULTS.items():
            response.headers.setdefault(name, value)
        # Behind a proxy that terminates TLS, only public_url says that browsers use https.
        if http.by_https or request.is_secure:
            response.headers.setdefault("Strict-Transport-Security", _HTTPS_FOR_A_YEAR)
        return response

    app.after_request(set_headers)
