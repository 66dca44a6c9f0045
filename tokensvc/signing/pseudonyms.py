"""Makes the pseudonyms by which Google may tell a site's visitors apart, without knowing them."""

import hashlib
import hmac
import json

from tokensvc.domain import Principal
from tokensvc.signing.derived_keys import derive_key


class Pseudonyms:
    """Derives a pseudonym of each person, which changes with the service's secret key."""

    def __init__(self, secret_key: bytes) -> None:
        self._key = derive_key(secret_key, "safety identifier")

    def __call__(self, principal: Principal) -> str:
        """Return 32 hexadecimal digits: always the same for one issuer and subject, and of use to nobody else."""
        person = json.dumps([principal.issuer, principal.subject]).encode()
        return hmac.digest(self._key, person, hashlib.sha256).hex()[:32]
