"""Sets security headers on every response, unless its route has set them."""

from flask import Flask, Response, request

from tokensvc.config.file import Http

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
