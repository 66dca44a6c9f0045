"""Build attack tokens: an issuer for each key mode, and ways to corrupt what it signs."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import AuthorityInformationAccessOID
from jwt.algorithms import get_default_algorithms

from authn.provider_for_tests import jwk
from authn.tokens_for_tests import encoded

if TYPE_CHECKING:
    from collections.abc import Callable

MODES = {
    "secret": "HS256",
    "rsa": "RS256",
    "curve": "ES256",
    "edwards": "EdDSA",
    "jwks": "RS256",  # the others list their key in the configuration
}
EVERY_MODE = tuple(MODES)
AUDIENCE = "https://tokens.example"
CANARY = "canary-7f3a"  # part of every subject; no response may repeat it


@dataclass(frozen=True)
class Mode:
    """An issuer with one way of signing; its tokens are issued at *now*."""

    name: str
    algorithm: str
    key: Any
    now: int = 0

    @property
    def issuer(self):
        return f"https://{self.name}.example"

    @property
    def kid(self):
        return f"{self.name}-1"

    def header(self, **changed):
        return _present({"alg": self.algorithm, "typ": "JWT", "kid": self.kid} | changed)

    def claims(self, **changed):
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": f"alice {CANARY}",
            "iat": self.now - 5,
            "exp": self.now + 600,
        }
        return _present(claims | changed)

    def sign(self, header=None, claims=None, *, key=None, algorithm=None):
        """Return a token of this header and these claims, signed even where they are invalid.

        Bytes are encoded as they are.
        """
        signing_input = ".".join(
            (
                encoded(self.header() if header is None else header),
                encoded(self.claims() if claims is None else claims),
            )
        )
        algorithm = get_default_algorithms()[algorithm or self.algorithm]
        signature = algorithm.sign(signing_input.encode(), key or self.key)
        return f"{signing_input}.{encoded(signature)}"

    @cached_property
    def good(self):
        """A valid token."""
        return self.sign()

    @cached_property
    def other_key(self):
        """Another key of the same type, which the service does not know."""
        return new_key(self.algorithm)

    @cached_property
    def public_texts(self):
        """The public half of the key in each form an attacker may know it in."""
        if isinstance(self.key, bytes):
            return [self.issuer.encode(), self.kid.encode(), b"HS256"]
        public = self.key.public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return [pem, der, json.dumps(jwk(self.key)).encode()]


def new_key(algorithm):
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm.startswith("ES"):
        return ec.generate_private_key(ec.SECP256R1() if algorithm == "ES256" else ec.SECP384R1())
    if algorithm.startswith("HS"):
        return secrets.token_urlsafe(64).encode()
    return rsa.generate_private_key(65537, 2048)


def _present(members):
    """Drop the members whose value is ABSENT; None stays and becomes null."""
    return {name: value for name, value in members.items() if value is not ABSENT}


ABSENT = object()


@dataclass(frozen=True)
class Attack:
    """A credential, and the checks that stop it.

    Attributes:
        modes: The key modes that it must be tried in: those whose keys or algorithms it is about.
    """

    name: str
    make: Callable[[Mode], str]
    stopped_by: tuple[str, ...]
    modes: tuple[str, ...] = ("rsa",)


def headers(stopped_by, *, modes=("rsa",), **cases):
    """Return attacks with an invalid header, signed with the issuer's own key."""
    return [
        Attack(f"header {name.replace('_', ' ')}", _header_changed(changed), stopped_by, modes)
        for name, changed in cases.items()
    ]


def _header_changed(changed):
    return lambda mode: mode.sign(mode.header(**changed))


def claims(claim, stopped_by, **cases):
    """Return attacks with an invalid claim, signed with the issuer's own key."""
    return [
        Attack(f"{claim} {name.replace('_', ' ')}", _claim_changed(claim, value), stopped_by)
        for name, value in cases.items()
    ]


def _claim_changed(claim, value):
    """Return a function that makes a token with *value* as its *claim*.

    A callable *value* is called with the mode; bytes are inserted as they are, valid JSON or not.
    """

    def make(mode):
        made = value(mode) if callable(value) else value
        if not isinstance(made, bytes):
            return mode.sign(claims=mode.claims(**{claim: made}))
        claims = json.dumps(mode.claims(**{claim: "HERE"})).encode()
        return mode.sign(claims=claims.replace(b'"HERE"', made))

    return make


def by_hmac(secret):
    """Sign with HMAC, keyed with something an attacker may know or guess."""

    def make(mode):
        text = f"{encoded(mode.header(alg='HS256'))}.{encoded(mode.claims())}"
        known = secret(mode) if callable(secret) else secret
        return f"{text}.{encoded(hmac.digest(known, text.encode(), 'sha256'))}"

    return make


def with_signature_changed(change):
    """Take a valid token and apply *change* to its signature."""

    def make(mode):
        head, payload, signature = mode.sign().split(".")
        raw = base64.urlsafe_b64decode(signature + "==")
        return f"{head}.{payload}.{encoded(change(raw))}"

    return make


def with_text_changed(change):
    """Take a valid token and apply *change* to its text."""
    return lambda mode: change(mode.sign())


def with_claims(claims):
    """Sign these bytes in place of the claims."""
    return lambda mode: mode.sign(claims=claims(mode) if callable(claims) else claims)


def by_other_key(algorithm=None, **header):
    """Sign with an unknown key, which the header offers or names as the issuer's own."""

    def make(mode):
        used = algorithm or mode.algorithm
        key = mode.other_key if used == mode.algorithm else new_key(used)
        made = {name: v(key) if callable(v) else v for name, v in header.items()}
        return mode.sign(mode.header(alg=used, **made), key=key, algorithm=used)

    return make


def public(key):
    if isinstance(key, bytes):
        return {"kty": "oct", "k": encoded(key)}
    return jwk(key)


def certificate(address):
    """Return a certificate as `x5c` has it, which says that its issuer's own and what is revoked are at *address*."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    place, now = x509.UniformResourceIdentifier(address), datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    issuers = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, place)
    made = made.add_extension(x509.AuthorityInformationAccess([issuers]), critical=False)
    revoked = x509.DistributionPoint([place], None, None, None)
    made = made.add_extension(x509.CRLDistributionPoints([revoked]), critical=False)
    return base64.b64encode(made.sign(key, SHA256()).public_bytes(Encoding.DER)).decode()


def with_spare_bits_set(part):
    """Encode the same bytes differently: set the unused bits of a part's last character."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    def change(mode):
        # Pads until the part has a length that leaves unused bits.
        for padding in range(3):
            parts = mode.sign(mode.header(pad="x" * padding), mode.claims(pad="x" * padding)).split(".")
            if len(parts[part]) % 4:
                break
        last = letters.index(parts[part][-1])
        parts[part] = parts[part][:-1] + letters[last + 1]
        return ".".join(parts)

    return change


def unsigned(algorithm):
    return lambda mode: mode.sign(mode.header(alg=algorithm)).rpartition(".")[0] + "."
