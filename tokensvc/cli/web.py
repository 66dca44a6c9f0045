"""Explains `[http]`: which hosts are answered, which pages may call, which proxies are trusted."""

from collections.abc import Iterator

from tokensvc.config.file import Http


def explain_web(http: Http) -> Iterator[str]:
    """Yield a heading, and a line for each setting."""
    yield "The web"
    if http.public_url is None:
        yield "  answers   this machine only, since http.public_url is not set"
    else:
        yield f"  answers   {http.public_url}; a request for any other host is refused (400)"
    if http.prefix:
        yield f"  path      {http.prefix}, whether or not the proxy in front removes it"
    if http.by_https:
        yield "  https     browsers send cookies by https only and never go back to http (HSTS)"
    else:
        yield "  https     no, so microphones work on localhost only"
    callers = f"our own and those of {', '.join(http.origins)}" if http.origins else "only our own"
    yield f"  pages     {callers} may call; a POST from any other is refused (403)"
    framed = " ".join(http.frame_ancestors)
    yield f"  page      {f'at {http.prefix}/' if http.page else 'none'}, framed by {framed}"
    if http.trusted_proxies:
        proxies = ", ".join(map(str, http.trusted_proxies))
        yield f"  address   the last in X-Forwarded-For that is not a proxy of {proxies}"
    else:
        yield "  address   of the connection; behind a proxy all visitors share one, so list it in"
        yield "            http.trusted_proxies"
