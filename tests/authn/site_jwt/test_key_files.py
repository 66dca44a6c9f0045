import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from authn.tokens_for_tests import private_key
from tokensvc.authn.site_jwt.key_files import load_public_keys


class LongRsaKey:
    """One that takes too long to make; whoever sends its public half need not have the other."""

    def public_key(self):
        return RSAPublicNumbers(65537, (1 << 8200) + 1).public_key()


def written(path, *keys):
    path.write_bytes(b"# by hand\n".join(pem(key) for key in keys))
    return path


def pem(key):
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "ES384", "EdDSA"])
def test_a_key_for_its_algorithm(tmp_path, algorithm):
    """It is loaded."""
    key = private_key(algorithm).public_key()

    assert load_public_keys(written(tmp_path / "key.pem", key), [algorithm]) == (key,)


def test_keys_that_rotate(tmp_path):
    """Several in one file are all taken, in its order."""
    keys = [ec.generate_private_key(ec.SECP256R1()).public_key() for _ in range(2)]

    assert load_public_keys(written(tmp_path / "keys.pem", *keys), ["ES256"]) == tuple(keys)


def test_two_curves(tmp_path):
    """Each of the algorithms has a key, and each key an algorithm."""
    keys = [private_key(algorithm).public_key() for algorithm in ("ES256", "ES384")]
    file = written(tmp_path / "keys.pem", *keys)

    assert load_public_keys(file, ["ES256", "ES384"]) == tuple(keys)
    with pytest.raises(ValueError, match="not one for ES256"):
        load_public_keys(file, ["ES256"])
    with pytest.raises(ValueError, match=r"no key in .* is one for ES384"):
        load_public_keys(written(tmp_path / "one.pem", keys[0]), ["ES256", "ES384"])


def test_more_keys_than_a_rotation_needs(tmp_path):
    """A file like that is something else."""
    key = private_key("ES256").public_key()

    with pytest.raises(ValueError, match="more than 10"):
        load_public_keys(written(tmp_path / "keys.pem", *[key] * 11), ["ES256"])


@pytest.mark.parametrize(
    ("made_for", "algorithm"),
    [("RS256", "ES256"), ("ES384", "ES256"), ("ES256", "EdDSA"), ("EdDSA", "RS256")],
)
def test_a_key_of_another_family(tmp_path, made_for, algorithm):
    """It is refused at start, not at the first visitor."""
    file = written(tmp_path / "key.pem", private_key(made_for).public_key())

    with pytest.raises(ValueError, match=f"not one for {algorithm}"):
        load_public_keys(file, [algorithm])


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa.generate_private_key(65537, 1024), "RS256"),
        (LongRsaKey(), "RS256"),
        (ec.generate_private_key(ec.SECP256K1()), "ES256"),
        (dsa.generate_private_key(1024), "RS256"),
    ],
)
def test_a_weak_or_foreign_key(tmp_path, key, algorithm):
    """What is too short, or of no listed curve, is refused."""
    with pytest.raises(ValueError, match=r"shorter than|longer than|not one for"):
        load_public_keys(written(tmp_path / "key.pem", key.public_key()), [algorithm])


def test_a_private_key(tmp_path):
    """It has no place here."""
    file = tmp_path / "key.pem"
    file.write_bytes(
        private_key("ES256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )

    with pytest.raises(ValueError, match="no public key"):
        load_public_keys(file, ["ES256"])


def test_no_file(tmp_path):
    """The fault names it."""
    with pytest.raises(ValueError, match=r"missing\.pem cannot be read"):
        load_public_keys(tmp_path / "missing.pem", ["ES256"])
