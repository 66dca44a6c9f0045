"""Lists credentials that must be refused; each names the checks that stop it.

An attack succeeds only if all of its checks are removed together, which `make mutants` tries with
the mutants of `check_mutants.py`. Most have one check; where there are several, each one alone
stops the attack. The checks are those for an issuer with a single listed key.
"""

from authn.attacks_on_claims import ON_CLAIMS
from authn.attacks_on_form import ON_FORM
from authn.attacks_on_signatures import ON_SIGNATURES

ATTACKS = [*ON_SIGNATURES, *ON_CLAIMS, *ON_FORM]
