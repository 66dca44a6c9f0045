"""Tells callers their quotas in the headers RateLimit and RateLimit-Policy.

Source: draft-ietf-httpapi-ratelimit-headers-11.
"""

import math
import re
from collections.abc import Sequence

from tokensvc.domain import Quota


def headers(quotas: Sequence[Quota]) -> list[tuple[str, str]]:
    """Return both headers, or none if *quotas* is empty."""
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
