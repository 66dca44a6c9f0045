"""Writes a caller's quotas into the headers RateLimit and RateLimit-Policy.

Source: draft-ietf-httpapi-ratelimit-headers-11.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Response

    from tokensvc.domain import Quota


def write(response: Response, quotas: Sequence[Quota]) -> None:
    """Set both headers, unless *quotas* is empty."""
    if not quotas:
        return
    response.headers["RateLimit-Policy"] = ", ".join(
        f"{_name(quota)};q={quota.limit.count};w={quota.limit.seconds}" for quota in quotas
    )
    response.headers["RateLimit"] = ", ".join(
        f"{_name(quota)};r={quota.remaining};t={math.ceil(quota.reset)}" for quota in quotas
    )


def _name(quota: Quota) -> str:
    """Return the quota's name as a structured string (RFC 8941); a group's name may be any text."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", quota.name)
    # A window with several limits needs a different name for each.
    return f'"{plain}-{quota.limit.seconds}"'
