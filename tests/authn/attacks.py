"""Credentials that must be refused, for any key mode; each names the checks that hold it.

A case gets past exactly when all of its checks are removed together; `test_attacks.py` does it.
Most are held by one; where there are two, each alone is enough. What holds is named for an issuer
whose one key is listed.
"""

from authn.attacks_on_claims import ON_CLAIMS
from authn.attacks_on_form import ON_FORM
from authn.attacks_on_signatures import ON_SIGNATURES

ATTACKS = [*ON_SIGNATURES, *ON_CLAIMS, *ON_FORM]
