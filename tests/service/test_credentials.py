"""A credential that is not good is refused as such: it never mints, and never makes a guest."""

from __future__ import annotations

import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from service import site
from service.raw import exchange, login, request
from service.site import Forgery

HS256 = {"alg": "HS256", "typ": "JWT"}


def _now() -> int:
    return int(time.time())


# Each makes a credential from the issuer's own secret, the public key of the other issuer (PEM),
# an access JWT of the login, and a lease.
FORGERIES = {
    "nonsense": lambda _: "nonsense",
    "two parts": lambda _: "eyJhbGciOiJub25lIn0.e30",
    "empty parts": lambda _: "..",
    "five parts": lambda _: "a.b.c.d.e",
    "no JSON in it": lambda _: "YQ.YQ.YQ",
    "not base64": lambda k: site.signed(secret=k.secret) + "!!",
    "padding at its end": lambda k: site.signed(secret=k.secret) + "==",
    "cut short": lambda k: site.signed(secret=k.secret)[:-2],
    "no signature": lambda k: site.signed(secret=k.secret).rpartition(".")[0] + ".",
    "another secret": lambda _: site.signed(secret="another-secret-of-32-bytes-or-more-0123"),
    "an empty secret": lambda _: str(Forgery(HS256, site.claims("ada"), "")),
    "alg none": lambda _: jwt.encode(site.claims("ada"), None, algorithm="none"),
    "alg None with a signature": lambda k: str(
        Forgery({"alg": "nOnE"}, site.claims("ada"), k.secret)
    ),
    "no alg": lambda k: str(Forgery({"typ": "JWT"}, site.claims("ada"), k.secret)),
    "alg that is a list": lambda k: str(Forgery({"alg": ["HS256"]}, site.claims("ada"), k.secret)),
    "alg not listed": lambda k: str(Forgery({"alg": "HS512"}, site.claims("ada"), k.secret)),
    "confusion: the public key as a secret": lambda k: str(
        Forgery(HS256, site.claims("ada", iss="https://bank.test/"), k.public_pem)
    ),
    "confusion: RS256 in the header": lambda k: str(
        Forgery({"alg": "RS256"}, site.claims("ada"), k.secret)
    ),
    "another RSA key": lambda _: jwt.encode(
        site.claims("ada", iss="https://bank.test/"), _stranger(), algorithm="RS256"
    ),
    "its own key in the header": lambda _: jwt.encode(
        site.claims("ada", iss="https://bank.test/"),
        (stranger := _stranger()),
        algorithm="RS256",
        headers={"jwk": jwt.algorithms.RSAAlgorithm.to_jwk(stranger.public_key(), as_dict=True)},
    ),
    "one issuer's key, the other's name": lambda k: site.signed(
        secret=k.secret, iss="https://bank.test/"
    ),
    "crit": lambda k: str(
        Forgery(HS256 | {"crit": ["exp"], "exp": 1}, site.claims("ada"), k.secret)
    ),
    "b64 false": lambda k: str(Forgery(HS256 | {"b64": False}, site.claims("ada"), k.secret)),
    "another type": lambda k: str(
        Forgery({"alg": "HS256", "typ": "logout+jwt"}, site.claims("ada"), k.secret)
    ),
    "a lease's type": lambda k: str(
        Forgery({"alg": "HS256", "typ": "tokensvc-lease+jwt"}, site.claims("ada"), k.secret)
    ),
    "a header twice": lambda k: str(
        Forgery('{"alg": "none", "alg": "HS256"}', site.claims("ada"), k.secret)
    ),
    "a kid that is a path": lambda _: str(
        Forgery(HS256 | {"kid": "../../dev/null"}, site.claims("ada"), "")
    ),
    "a kid that is a number": lambda _: str(Forgery(HS256 | {"kid": 7}, site.claims("ada"), "")),
    "deep claims": lambda k: str(Forgery(HS256, "[" * 3000, k.secret)),
    "claims that are a list": lambda k: str(Forgery(HS256, [], k.secret)),
    "no iss": lambda k: site.signed(secret=k.secret, iss=None),
    "another iss": lambda k: site.signed(secret=k.secret, iss="https://evil.test/"),
    "an iss that is nearly ours": lambda k: site.signed(secret=k.secret, iss="https://shop.test"),
    "an iss that is a list": lambda k: str(
        Forgery(HS256, site.claims("ada", iss=["https://shop.test/"]), k.secret)
    ),
    "the service's own iss": lambda k: site.signed(secret=k.secret, iss="tokensvc", aud="tokensvc"),
    "the guests' iss": lambda k: site.signed(secret=k.secret, iss="guest"),
    "no aud": lambda k: site.signed(secret=k.secret, aud=None),
    "another aud": lambda k: site.signed(secret=k.secret, aud="https://other.test/"),
    "an aud that is a number": lambda k: site.signed(secret=k.secret, aud=7),
    "an aud that is an object": lambda k: site.signed(
        secret=k.secret, aud={"https://tokens.test/": 1}
    ),
    "no sub": lambda k: site.signed(secret=k.secret, sub=None),
    "a blank sub": lambda k: site.signed(" ", secret=k.secret),
    "an empty sub": lambda k: site.signed("", secret=k.secret),
    "a sub that is a number": lambda k: str(Forgery(HS256, site.claims("a", sub=7), k.secret)),
    "a long sub": lambda k: site.signed("a" * 256, secret=k.secret),
    "a sub of two lines": lambda k: site.signed("ada\r\nbob", secret=k.secret),
    "a sub that is half a character": lambda k: site.signed("\ud800", secret=k.secret),
    "no exp": lambda k: site.signed(secret=k.secret, exp=None),
    "an exp that is text": lambda k: site.signed(secret=k.secret, exp=str(_now() + 60)),
    "an exp past all bounds": lambda k: site.signed(secret=k.secret, exp=10**400),
    "an exp without end": lambda k: str(
        Forgery(HS256, site.claims("ada", exp=float("inf")), k.secret)
    ),
    "an exp that is no number": lambda k: str(
        Forgery(HS256, site.claims("ada", exp=float("nan")), k.secret)
    ),
    "an exp that is true": lambda k: str(Forgery(HS256, site.claims("ada", exp=True), k.secret)),
    "lives for a week": lambda k: site.signed(secret=k.secret, exp=_now() + 7 * 86400),
    "lives for a week, by its iat": lambda k: site.signed(
        secret=k.secret, iat=_now() - 7 * 86400, exp=_now() + 60
    ),
    "not yet": lambda k: site.signed(secret=k.secret, nbf=_now() + 300),
    "issued in the future": lambda k: site.signed(secret=k.secret, iat=_now() + 300),
    "a lease": lambda k: k.lease,
    "a tampered access JWT": lambda k: k.access[:-4] + ("AAAA" if k.access[-4:] != "AAAA" else "B"),
    "an access JWT with other claims": lambda k: ".".join(
        [
            k.access.split(".")[0],
            str(Forgery(HS256, {"sub": "root"})).split(".")[1],
            k.access.split(".")[2],
        ]
    ),
    "longer than allowed": lambda k: site.signed(secret=k.secret, filler="f" * 6000)[:8100],
    "not ASCII": lambda _: "é.é.é",
}


def _stranger() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class _Known:
    """What an attacker may have in hand."""

    def __init__(self, secret: str, public_pem: str, access: str, lease: str) -> None:
        self.secret, self.public_pem, self.access, self.lease = secret, public_pem, access, lease


@pytest.fixture(name="known", scope="module")
def _known(shop, canaries, access_token) -> _Known:
    """A secret (the site's own mistakes are refused too), a public key, an access JWT, a lease."""
    return _Known(
        canaries["issuer secret"],
        (shop.folder / "bank.pem").read_text(),
        access_token,
        shop.post("/token").json["lease"],
    )


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_credential_that_is_not_good(shop, known, forge):
    """401 in the documented form, with RFC 6750's challenge, and not a guest's token."""
    content = request("POST", "/token", f"Authorization: Bearer {forge(known)}")
    answer = exchange(shop.url, content)
    assert (answer.status, answer.code) == (401, "invalid-token")
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="token", error="invalid_token", error_description="invalid"'
    )
    profiles = request("GET", "/profiles", f"Authorization: Bearer {forge(known)}")
    assert exchange(shop.url, profiles).status == 401


@pytest.mark.usefixtures("unharmed")
def test_an_expired_credential(shop, visitor):
    """Who has only to fetch a new one is told so."""
    now = _now()
    answer = shop.post("/token", bearer=visitor(iat=now - 700, exp=now - 100))
    assert (answer.status, answer.code) == (401, "invalid-token")
    assert 'error_description="expired"' in answer.headers["www-authenticate"]


SCHEMES = {
    "Basic": ["Authorization: Basic YWRhOnBhc3N3b3Jk"],
    "no scheme": ["Authorization: {good}"],
    "a scheme and nothing": ["Authorization: Bearer"],
    "nothing": ["Authorization:"],
    "Negotiate": ["Authorization: Negotiate {good}"],
    "two in one header": ["Authorization: Bearer {good}, Bearer {good}"],
    "two headers": ["Authorization: Bearer {good}", "Authorization: Bearer {good}"],
    "a good and a bad one": ["Authorization: Bearer {good}", "Authorization: Basic YTpi"],
    "two words": ["Authorization: Bearer {good} {good}"],
    "parameters": ["Authorization: Bearer token={good}"],
}


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("headers", SCHEMES.values(), ids=SCHEMES.keys())
def test_a_header_that_is_not_one_bearer_credential(shop, visitor, headers):
    """Another scheme, none or several are refused, not guessed at."""
    written = [header.format(good=visitor()) for header in headers]
    answer = exchange(shop.url, request("POST", "/token", *written))
    assert (answer.status, answer.code) == (401, "invalid-token")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_in_any_case(shop, visitor, scheme):
    """The scheme's case does not matter (RFC 9110, section 11.1)."""
    answer = shop.post("/token", headers={"Authorization": f"{scheme} {visitor()}"})
    assert answer.status == 200


LEASES = {
    "nonsense": lambda _: "nonsense",
    "a site's JWT": lambda k: site.signed(secret=k.secret),
    "an access JWT": lambda k: k.access,
    "tampered": lambda k: k.lease[:-4] + ("AAAA" if k.lease[-4:] != "AAAA" else "BBBB"),
    "other claims": lambda k: ".".join(
        [k.lease.split(".")[0], k.access.split(".")[1], k.lease.split(".")[2]]
    ),
    "alg none": lambda _: jwt.encode({"jti": "a", "sub": "b"}, None, algorithm="none"),
    "a lease's type, the site's secret": lambda k: str(
        Forgery({"alg": "HS256", "typ": "tokensvc-lease+jwt"}, site.claims("a", jti="b"), k.secret)
    ),
    "deep": lambda k: str(Forgery(HS256, "[" * 3000, k.secret)),
}


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("forge", LEASES.values(), ids=LEASES.keys())
@pytest.mark.parametrize("path", ["/token", "/lease/end"])
def test_a_lease_that_is_not_ours(shop, visitor, known, forge, path):
    """Only a lease that we have signed goes on with, or ends, a conversation."""
    answer = shop.post(path, {"lease": forge(known)}, bearer=visitor())
    assert (answer.status, answer.code) == (403, "lease-refused")


@pytest.mark.usefixtures("unharmed")
def test_no_credential_where_one_is_needed(shop):
    """A guest asking for more is asked to sign in, without an error code (RFC 6750, 3.1)."""
    answer = shop.post("/token", {"profile": "members"})
    assert (answer.status, answer.code) == (401, "authentication-required")
    assert answer.headers["www-authenticate"] == 'Bearer realm="token"'


@pytest.mark.usefixtures("unharmed")
def test_a_credential_elsewhere(shop, visitor):
    """A credential in the address, a cookie or a body field is not one."""
    members = {"profile": "members"}
    for path, headers in (
        (f"/token?access_token={visitor()}", {}),
        ("/token", {"Cookie": f"access_token={visitor()}"}),
        ("/token", {"X-Authorization": f"Bearer {visitor()}"}),
    ):
        assert shop.post(path, members, headers=headers).status == 401
    in_body = {"profile": "members", "access_token": visitor()}
    assert shop.post("/token", in_body).status == 400


def test_a_login(shop, access_token):
    """The access JWT of a login is good for a token."""
    assert shop.post("/token", {"profile": "members"}, bearer=access_token).status == 200


@pytest.mark.usefixtures("unharmed")
def test_a_wrong_password(shop, canaries):
    """An unknown name and a wrong password are told in the same words."""
    answers = []
    for number, (name, password) in enumerate(
        [
            ("ada", canaries["wrong password"]),
            ("nobody", canaries["wrong password"]),
            ("ADA", canaries["password"]),
            ("ada ", canaries["password"]),
            ("ada", canaries["password"] + " "),
        ]
    ):
        answer = login(shop, name, password, source=f"127.0.5.{number + 1}")
        assert (answer.status, answer.code) == (401, "wrong-password")
        answers.append({k: v for k, v in answer.json.items() if k != "instance"})
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.usefixtures("unharmed")
def test_guessing_passwords(shop, canaries):
    """After a few guesses from one place that place waits, and the right password waits with it."""
    source = "127.0.6.1"
    for _ in range(5):
        assert login(shop, "ada", "a wrong guess", source=source).status == 401
    answer = login(shop, "ada", canaries["password"], source=source)
    assert (answer.status, answer.code) == (429, "rate-limited")
    assert 0 < int(answer.headers["retry-after"]) <= 60
    # Nobody can lock another person out.
    assert login(shop, "ada", canaries["password"], source="127.0.6.2").status == 200
