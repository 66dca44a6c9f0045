"""Mutants that remove one check of a credential each, and the attacks that prove each check."""

from __future__ import annotations

from authn.attack_kit import AUDIENCE
from authn.attacks import ATTACKS
from mutants.mutant import Case, Mutant

ISSUER = "https://rsa.example"  # of the only mode that the attacks without checks use


def without(file, old, new):
    """Return a mutant of a file of `tokensvc.authn`."""
    return Mutant(f"tokensvc/authn/{file}", old, new)


def uncalled(check):
    """Return a mutant of the authenticator that does not call a check."""
    return without("site_jwt/authenticator.py", check, "pass")


# A header and claims at once that pass every other check, in place of what cannot be parsed.
VALID = (
    f'{{"alg": "RS256", "iss": "{ISSUER}", "aud": "{AUDIENCE}", "sub": "anybody",'
    ' "exp": __import__("time").time() + 600}'
)
CHECKS = {
    "one credential": (Mutant("tokensvc/web_api/bodies.py", ' or "," in unverified or " " in unverified', ""),),
    "form": (
        without(
            "site_jwt/jws.py",
            "if len(unverified) > LONGEST_TOKEN or not _COMPACT.fullmatch(unverified):",
            "if False:",
        ),
    ),
    "encoding": (
        without(
            "site_jwt/jws.py",
            "def _bytes_of(part: str) -> bytes:\n",
            r"""def _bytes_of(part: str) -> bytes:
    letters = re.sub(r"[^A-Za-z0-9_-]", "", part)
    return base64url_decode(letters[: len(letters) - (len(letters) % 4 == 1)])
""",
        ),
    ),
    "JSON": (
        without(
            "site_jwt/jws.py",
            """    except ValueError:
        raise InvalidToken(cause="part is not JSON") from None
""",
            f"""    except ValueError as error:
        if str(error).startswith(("duplicate key", "not a finite")):
            raise InvalidToken from None
        return {VALID}
""",
        ),
        without(
            "site_jwt/jws.py",
            'raise InvalidToken(cause="part is not a JSON object")',
            f"return {VALID}",
        ),
    ),
    "duplicates": (Mutant("tokensvc/strict_json.py", "if len(found) != len(pairs):", "if False:"),),
    "constants": (
        Mutant(
            "tokensvc/strict_json.py",
            'raise ValueError("not a finite number")',
            "return number",
        ),
    ),
    "issuer": (
        without(
            "site_jwt/authenticator.py",
            'raise InvalidToken(cause="issuer is not configured")',
            f'issuer = self._issuers["{ISSUER}"]',
        ),
    ),
    "type": (uncalled('require(is_of_type, "missing or wrong type")'),),
    "extensions": (
        uncalled('require(not {"crit", "b64"} & header.keys(), "critical extension")'),
        uncalled('require(not {"zip", "enc"} & header.keys(), "compressed or encrypted")'),
    ),
    "kid": (uncalled('require(is_text or "kid" not in header, "kid is not plain text")'),),
    "algorithm": (
        without(
            "site_jwt/authenticator.py",
            """raise InvalidToken(cause="algorithm is not the issuer's")""",
            "algorithm = str(algorithm)",
        ),
    ),
    "key": (
        without(
            "site_jwt/keys.py",
            "[key for key in listed if fits(key, algorithm)]",
            "listed",
        ),
    ),
    "signature": (without("site_jwt/authenticator.py", "token.is_signed_by(key, algorithm) for", "True for"),),
    "audience": (
        uncalled(
            'require(audience is None or all(isinstance(name, str) for name in listed), "audience is not a string")'
        ),
        uncalled('require(issuer.audience in listed, "another audience")'),
    ),
    "subject": (uncalled('require(is_subject(claims.get("sub")), "subject is not a plain name")'),),
    "binding": (uncalled('require("cnf" not in claims, "token is bound to a key")'),),
    "expiry present": (
        without(
            "site_jwt/authenticator.py",
            'require("exp" in claims, "no expiry time")',
            'claims.setdefault("exp", now + 60)',
        ),
    ),
    "numeric times": (uncalled('require(all(map(_is_finite_number, times)), "time is not a number")'),),
    "lifetime": (uncalled('require(is_short, "lifetime too long")'),),
    "not before": (uncalled('require(max(issued, begin) <= now + LEEWAY, "issued in the future, or not valid yet")'),),
    "expiry": (without("site_jwt/authenticator.py", 'raise ExpiredToken(cause="expired")', "pass"),),
    "API key": (
        without(
            "api_keys.py",
            'raise InvalidToken(cause="API key unknown or removed")',
            'return Principal("key", KEY_ISSUER_PREFIX + "backend", "backend")',
        ),
    ),
    "guest": (
        without(
            "chain.py",
            "if credentials.unverified_bearer is not None:",
            "if False:",
        ),
    ),
}


def _case(name, removed, test, attacks):
    return Case(
        f"threat 9: attack {name}",
        tuple(mutant for check in removed for mutant in CHECKS[check]),
        tuple(f"tests/authn/attacks_without_checks.py::{test}[{one.name}]" for one in attacks),
        outcome="passed",
    )


def _accepted_without_all_checks():
    """Return a case for each set of checks: without it, the attacks that it stops are accepted."""
    return [
        _case(
            f"accepted without {', '.join(checks)}",
            checks,
            "test_attack_is_accepted",
            [attack for attack in ATTACKS if attack.stopped_by == checks],
        )
        for checks in dict.fromkeys(attack.stopped_by for attack in ATTACKS)
    ]


def _refused_by_one_check():
    """Return a case for each check: it alone stops each of its attacks, without all the others.

    The attacks that it stops anyway, without any other check, are in `test_attacks.py`.
    """
    cases = []
    for check in CHECKS:
        attacks = [one for one in ATTACKS if check in one.stopped_by and len(one.stopped_by) > 1]
        others = dict.fromkeys(name for one in attacks for name in one.stopped_by if name != check)
        if attacks:
            name = f"refused by {check} without {', '.join(others)}"
            cases.append(_case(name, others, "test_attack_is_refused", attacks))
    return cases


CASES = [*_accepted_without_all_checks(), *_refused_by_one_check()]
