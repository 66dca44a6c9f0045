import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from authn.tokens_for_tests import private_key
from tokensvc.authn.key_files import load_public_key


def written(path, key):
    path.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "ES384", "EdDSA"])
def test_a_key_for_its_algorithm(tmp_path, algorithm):
    """It is loaded."""
    key = private_key(algorithm).public_key()

    assert load_public_key(written(tmp_path / "key.pem", key), [algorithm]) == key


@pytest.mark.parametrize(
    ("made_for", "algorithm"),
    [("RS256", "ES256"), ("ES384", "ES256"), ("ES256", "EdDSA"), ("EdDSA", "RS256")],
)
def test_a_key_of_another_family(tmp_path, made_for, algorithm):
    """It is refused at start, not at the first visitor."""
    file = written(tmp_path / "key.pem", private_key(made_for).public_key())

    with pytest.raises(ValueError, match=f"not one for {algorithm}"):
        load_public_key(file, [algorithm])


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa.generate_private_key(65537, 1024), "RS256"),
        (ec.generate_private_key(ec.SECP256K1()), "ES256"),
        (dsa.generate_private_key(1024), "RS256"),
    ],
)
def test_a_weak_or_foreign_key(tmp_path, key, algorithm):
    """What is too short, or of no listed curve, is refused."""
    with pytest.raises(ValueError, match=r"shorter than|not one for"):
        load_public_key(written(tmp_path / "key.pem", key.public_key()), [algorithm])


def test_a_private_key(tmp_path):
    """It has no place here."""
    file = tmp_path / "key.pem"
    file.write_bytes(
        private_key("ES256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )

    with pytest.raises(ValueError, match="no public key"):
        load_public_key(file, ["ES256"])


def test_no_file(tmp_path):
    """The fault names it."""
    with pytest.raises(ValueError, match=r"missing\.pem cannot be read"):
        load_public_key(tmp_path / "missing.pem", ["ES256"])
