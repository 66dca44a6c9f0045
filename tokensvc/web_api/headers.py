"""What every answer says of itself, unless its route has said it already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, request

if TYPE_CHECKING:
    from tokensvc.config.file import Http

_EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_BY_HTTPS_FOR_A_YEAR = "max-age=31536000"


def install(app: Flask, http: Http) -> None:
    """Harden every answer of *app* (OWASP ASVS 5.0, V3.4)."""

    def harden(response: Response) -> Response:
        for name, value in _EVERYWHERE.items():
            response.headers.setdefault(name, value)
        # A proxy in front speaks the TLS, and we see none of it: public_url says so.
        if http.by_https or request.is_secure:
            response.headers.setdefault("Strict-Transport-Security", _BY_HTTPS_FOR_A_YEAR)
        return response

    app.after_request(harden)
