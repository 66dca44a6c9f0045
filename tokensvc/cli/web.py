"""Says what follows from `[http]`: who is answered, who may call, and who is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokensvc.config.file import Http


def web_explained(http: Http) -> Iterator[str]:
    """A heading, and a line for each thing that an operator decides."""
    yield "The web"
    if http.public_url is None:
        yield "  answers   this machine alone: there is no http.public_url"
    else:
        yield f"  answers   {http.public_url}; a request for any other host is refused (400)"
    if http.by_https:
        yield "  https     cookies are for https alone; browsers are told to stay with it (HSTS)"
    else:
        yield "  https     not here: microphones work on localhost alone"
    others = f"our own and {', '.join(http.origins)}" if http.origins else "our own alone"
    yield f"  pages     {others} may call; a POST from any other is refused (403)"
    framed = " ".join(http.frame_ancestors)
    yield f"  page      {'at /' if http.page else 'none'}, framed by {framed}"
    if http.trusted_proxies:
        proxies = ", ".join(map(str, http.trusted_proxies))
        yield f"  address   where X-Forwarded-For leaves the proxies of {proxies}"
    else:
        yield "  address   of whoever connects; a proxy in front makes all visitors one: list it in"
        yield "            http.trusted_proxies"
