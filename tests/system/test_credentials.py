"""An invalid credential is refused: it never mints, and never becomes a guest's request."""

from __future__ import annotations

import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from system import site
from system.raw import exchange, login, request
from system.site import Forgery

HS256 = {"alg": "HS256", "typ": "JWT"}


def _now() -> int:
    return int(time.time())


# Each makes an invalid credential from what an attacker may know.
FORGERIES = {
    "nonsense": lambda _: "nonsense",
    "two parts": lambda _: "eyJhbGciOiJub25lIn0.e30",
    "empty parts": lambda _: "..",
    "five parts": lambda _: "a.b.c.d.e",
    "parts that are not JSON": lambda _: "YQ.YQ.YQ",
    "not base64": lambda k: site.signed(secret=k.secret) + "!!",
    "base64 padding": lambda k: site.signed(secret=k.secret) + "==",
    "truncated signature": lambda k: site.signed(secret=k.secret)[:-2],
    "no signature": lambda k: site.signed(secret=k.secret).rpartition(".")[0] + ".",
    "wrong secret": lambda _: site.signed(secret="another-secret-of-32-bytes-or-more-0123"),
    "empty secret": lambda _: str(Forgery(HS256, site.claims("ada"), "")),
    "alg none": lambda _: jwt.encode(site.claims("ada"), None, algorithm="none"),
    "alg nOnE with a signature": lambda k: str(Forgery({"alg": "nOnE"}, site.claims("ada"), k.secret)),
    "no alg": lambda k: str(Forgery({"typ": "JWT"}, site.claims("ada"), k.secret)),
    "alg that is a list": lambda k: str(Forgery({"alg": ["HS256"]}, site.claims("ada"), k.secret)),
    "unlisted alg": lambda k: str(Forgery({"alg": "HS512"}, site.claims("ada"), k.secret)),
    "algorithm confusion: public key as HMAC secret": lambda k: str(
        Forgery(HS256, site.claims("ada", iss="https://bank.test/"), k.public_pem)
    ),
    "algorithm confusion: RS256 in the header": lambda k: str(Forgery({"alg": "RS256"}, site.claims("ada"), k.secret)),
    "unknown RSA key": lambda _: jwt.encode(
        site.claims("ada", iss="https://bank.test/"), _stranger(), algorithm="RS256"
    ),
    "key in its own header": lambda _: jwt.encode(
        site.claims("ada", iss="https://bank.test/"),
        (stranger := _stranger()),
        algorithm="RS256",
        headers={"jwk": jwt.algorithms.RSAAlgorithm.to_jwk(stranger.public_key(), as_dict=True)},
    ),
    "key of one issuer, iss of the other": lambda k: site.signed(secret=k.secret, iss="https://bank.test/"),
    "crit": lambda k: str(Forgery(HS256 | {"crit": ["exp"], "exp": 1}, site.claims("ada"), k.secret)),
    "b64 false": lambda k: str(Forgery(HS256 | {"b64": False}, site.claims("ada"), k.secret)),
    "wrong typ": lambda k: str(Forgery({"alg": "HS256", "typ": "logout+jwt"}, site.claims("ada"), k.secret)),
    "typ of a lease": lambda k: str(
        Forgery({"alg": "HS256", "typ": "tokensvc-lease+jwt"}, site.claims("ada"), k.secret)
    ),
    "duplicate header key": lambda k: str(Forgery('{"alg": "none", "alg": "HS256"}', site.claims("ada"), k.secret)),
    "path as kid": lambda _: str(Forgery(HS256 | {"kid": "../../dev/null"}, site.claims("ada"), "")),
    "number as kid": lambda _: str(Forgery(HS256 | {"kid": 7}, site.claims("ada"), "")),
    "deep claims": lambda k: str(Forgery(HS256, "[" * 3000, k.secret)),
    "list as claims": lambda k: str(Forgery(HS256, [], k.secret)),
    "no iss": lambda k: site.signed(secret=k.secret, iss=None),
    "wrong iss": lambda k: site.signed(secret=k.secret, iss="https://evil.test/"),
    "almost the right iss": lambda k: site.signed(secret=k.secret, iss="https://shop.test"),
    "list as iss": lambda k: str(Forgery(HS256, site.claims("ada", iss=["https://shop.test/"]), k.secret)),
    "iss of the service": lambda k: site.signed(secret=k.secret, iss="tokensvc", aud="tokensvc"),
    "iss of guests": lambda k: site.signed(secret=k.secret, iss="guest"),
    "no aud": lambda k: site.signed(secret=k.secret, aud=None),
    "wrong aud": lambda k: site.signed(secret=k.secret, aud="https://other.test/"),
    "number as aud": lambda k: site.signed(secret=k.secret, aud=7),
    "object as aud": lambda k: site.signed(secret=k.secret, aud={"https://tokens.test/": 1}),
    "no sub": lambda k: site.signed(secret=k.secret, sub=None),
    "blank sub": lambda k: site.signed(" ", secret=k.secret),
    "empty sub": lambda k: site.signed("", secret=k.secret),
    "number as sub": lambda k: str(Forgery(HS256, site.claims("a", sub=7), k.secret)),
    "long sub": lambda k: site.signed("a" * 256, secret=k.secret),
    "line break in sub": lambda k: site.signed("ada\r\nbob", secret=k.secret),
    "lone surrogate in sub": lambda k: site.signed("\ud800", secret=k.secret),
    "no exp": lambda k: site.signed(secret=k.secret, exp=None),
    "text as exp": lambda k: site.signed(secret=k.secret, exp=str(_now() + 60)),
    "huge exp": lambda k: site.signed(secret=k.secret, exp=10**400),
    "infinite exp": lambda k: str(Forgery(HS256, site.claims("ada", exp=float("inf")), k.secret)),
    "NaN exp": lambda k: str(Forgery(HS256, site.claims("ada", exp=float("nan")), k.secret)),
    "boolean exp": lambda k: str(Forgery(HS256, site.claims("ada", exp=True), k.secret)),
    "lifetime of a week": lambda k: site.signed(secret=k.secret, exp=_now() + 7 * 86400),
    "lifetime of a week by its iat": lambda k: site.signed(secret=k.secret, iat=_now() - 7 * 86400, exp=_now() + 60),
    "not yet valid": lambda k: site.signed(secret=k.secret, nbf=_now() + 300),
    "issued in the future": lambda k: site.signed(secret=k.secret, iat=_now() + 300),
    "a lease": lambda k: k.lease,
    "tampered access JWT": lambda k: k.access[:-4] + ("AAAA" if k.access[-4:] != "AAAA" else "B"),
    "access JWT with other claims": lambda k: ".".join(
        [
            k.access.split(".")[0],
            str(Forgery(HS256, {"sub": "root"})).split(".")[1],
            k.access.split(".")[2],
        ]
    ),
    "too long": lambda k: site.signed(secret=k.secret, filler="f" * 6000)[:8100],
    "not ASCII": lambda _: "é.é.é",
}


def _stranger() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class _Known:
    """What an attacker may know."""

    def __init__(self, secret: str, public_pem: str, access: str, lease: str) -> None:
        self.secret, self.public_pem, self.access, self.lease = secret, public_pem, access, lease


@pytest.fixture(name="known", scope="module")
def _known(shop, canaries, access_token) -> _Known:
    """Return what an attacker may know, even the issuer's secret: a site makes mistakes too."""
    return _Known(
        canaries["issuer secret"],
        (shop.folder / "bank.pem").read_text(),
        access_token,
        shop.post("/token").json["lease"],
    )


@pytest.mark.usefixtures("mints_nothing")
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_invalid_credential_is_refused_with_a_challenge_and_not_served_as_a_guest(shop, known, forge):
    """The challenge is the one of RFC 6750."""
    content = request("POST", "/token", f"Authorization: Bearer {forge(known)}")
    answer = exchange(shop.url, content)
    assert (answer.status, answer.code) == (401, "invalid-token")
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="token", error="invalid_token", error_description="invalid"'
    )
    profiles = request("GET", "/profiles", f"Authorization: Bearer {forge(known)}")
    assert exchange(shop.url, profiles).status == 401


@pytest.mark.usefixtures("mints_nothing")
def test_expired_credential_is_refused_as_expired(shop, visitor):
    now = _now()
    answer = shop.post("/token", bearer=visitor(iat=now - 700, exp=now - 100))
    assert (answer.status, answer.code) == (401, "invalid-token")
    assert 'error_description="expired"' in answer.headers["www-authenticate"]


SCHEMES = {
    "Basic": ["Authorization: Basic YWRhOnBhc3N3b3Jk"],
    "no scheme": ["Authorization: {good}"],
    "scheme without credential": ["Authorization: Bearer"],
    "empty": ["Authorization:"],
    "Negotiate": ["Authorization: Negotiate {good}"],
    "two in one header": ["Authorization: Bearer {good}, Bearer {good}"],
    "two headers": ["Authorization: Bearer {good}", "Authorization: Bearer {good}"],
    "a valid and an invalid one": ["Authorization: Bearer {good}", "Authorization: Basic YTpi"],
    "two words": ["Authorization: Bearer {good} {good}"],
    "parameters": ["Authorization: Bearer token={good}"],
}


@pytest.mark.usefixtures("mints_nothing")
@pytest.mark.parametrize("headers", SCHEMES.values(), ids=SCHEMES.keys())
def test_authorization_other_than_one_bearer_credential_is_refused(shop, visitor, headers):
    lines = [header.format(good=visitor()) for header in headers]
    answer = exchange(shop.url, request("POST", "/token", *lines))
    assert (answer.status, answer.code) == (401, "invalid-token")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_bearer_scheme_ignores_case(shop, visitor, scheme):
    """RFC 9110, section 11.1, requires this."""
    answer = shop.post("/token", headers={"Authorization": f"{scheme} {visitor()}"})
    assert answer.status == 200


LEASES = {
    "nonsense": lambda _: "nonsense",
    "JWT of a site": lambda k: site.signed(secret=k.secret),
    "access JWT": lambda k: k.access,
    "tampered": lambda k: k.lease[:-4] + ("AAAA" if k.lease[-4:] != "AAAA" else "BBBB"),
    "other claims": lambda k: ".".join([k.lease.split(".")[0], k.access.split(".")[1], k.lease.split(".")[2]]),
    "alg none": lambda _: jwt.encode({"jti": "a", "sub": "b"}, None, algorithm="none"),
    "typ of a lease, secret of a site": lambda k: str(
        Forgery({"alg": "HS256", "typ": "tokensvc-lease+jwt"}, site.claims("a", jti="b"), k.secret)
    ),
    "deep": lambda k: str(Forgery(HS256, "[" * 3000, k.secret)),
}


@pytest.mark.usefixtures("mints_nothing")
@pytest.mark.parametrize(("path", "lease"), [*(("/token", lease) for lease in LEASES), ("/lease/end", "tampered")])
def test_lease_not_signed_by_the_service_is_refused(shop, visitor, known, path, lease):
    answer = shop.post(path, {"lease": LEASES[lease](known)}, bearer=visitor())
    assert (answer.status, answer.code) == (403, "lease-refused")


@pytest.mark.usefixtures("mints_nothing")
def test_guest_is_challenged_for_a_profile_of_members(shop):
    """The challenge has no error code (RFC 6750, section 3.1)."""
    answer = shop.post("/token", {"profile": "members"})
    assert (answer.status, answer.code) == (401, "authentication-required")
    assert answer.headers["www-authenticate"] == 'Bearer realm="token"'


@pytest.mark.usefixtures("mints_nothing")
def test_credential_outside_the_authorization_header_is_not_accepted(shop, visitor):
    members = {"profile": "members"}
    for path, headers in (
        (f"/token?access_token={visitor()}", {}),
        ("/token", {"Cookie": f"access_token={visitor()}"}),
        ("/token", {"X-Authorization": f"Bearer {visitor()}"}),
    ):
        assert shop.post(path, members, headers=headers).status == 401
    in_body = {"profile": "members", "access_token": visitor()}
    assert shop.post("/token", in_body).status == 400


def test_access_jwt_of_a_login_gets_a_token(shop, access_token):
    assert shop.post("/token", {"profile": "members"}, bearer=access_token).status == 200


@pytest.mark.usefixtures("mints_nothing")
def test_unknown_name_and_wrong_password_get_the_same_refusal(shop, canaries):
    answers = []
    for number, (name, password) in enumerate(
        [
            ("ada", canaries["wrong password"]),
            ("nobody", canaries["wrong password"]),
            ("a-da", canaries["password"]),
            ("ada ", canaries["password"]),
            ("ada", canaries["password"] + " "),
        ]
    ):
        answer = login(shop, name, password, source=f"127.0.5.{number + 1}")
        assert (answer.status, answer.code) == (401, "wrong-password")
        answers.append({k: v for k, v in answer.json.items() if k != "instance"})
    assert all(answer == answers[0] for answer in answers)


def test_name_may_be_typed_in_capitals(shop, canaries):
    answer = login(shop, "ADA", canaries["password"], source="127.0.5.9")
    assert (answer.status, answer.json["username"]) == (200, "ada")


@pytest.mark.usefixtures("mints_nothing")
def test_sixth_login_from_one_address_is_rate_limited_even_with_the_right_password(shop, canaries):
    source = "127.0.6.1"
    for _ in range(5):
        assert login(shop, "ada", "a wrong guess", source=source).status == 401
    answer = login(shop, "ada", canaries["password"], source=source)
    assert (answer.status, answer.code) == (429, "rate-limited")
    assert 0 < int(answer.headers["retry-after"]) <= 60
    # The account is not locked for other addresses.
    assert login(shop, "ada", canaries["password"], source="127.0.6.2").status == 200
