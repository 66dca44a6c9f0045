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
from tokensvc.authn.site_jwt.keys import load_public_keys


class LongRsaKey:
    """Has a public half of 8,200 bits; generating a real pair takes too long."""

    def public_key(self):
        return RSAPublicNumbers(65537, (1 << 8200) + 1).public_key()


def write_pem(path, *keys):
    path.write_bytes(b"# by hand\n".join(pem(key) for key in keys))
    return path


def pem(key):
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "ES384", "EdDSA"])
def test_key_of_each_algorithm_is_loaded(tmp_path, algorithm):
    key = private_key(algorithm).public_key()

    assert load_public_keys(write_pem(tmp_path / "key.pem", key), [algorithm]) == (key,)


def test_all_keys_of_a_file_are_loaded_in_order(tmp_path):
    keys = [ec.generate_private_key(ec.SECP256R1()).public_key() for _ in range(2)]

    assert load_public_keys(write_pem(tmp_path / "keys.pem", *keys), ["ES256"]) == tuple(keys)


def test_every_key_needs_an_algorithm_and_every_algorithm_a_key(tmp_path):
    keys = [private_key(algorithm).public_key() for algorithm in ("ES256", "ES384")]
    file = write_pem(tmp_path / "keys.pem", *keys)

    assert load_public_keys(file, ["ES256", "ES384"]) == tuple(keys)
    with pytest.raises(ValueError, match="cannot be used with ES256"):
        load_public_keys(file, ["ES256"])
    with pytest.raises(ValueError, match=r"no key in .* can be used with ES384"):
        load_public_keys(write_pem(tmp_path / "one.pem", keys[0]), ["ES256", "ES384"])


def test_file_with_more_than_ten_keys_is_refused(tmp_path):
    key = private_key("ES256").public_key()

    with pytest.raises(ValueError, match="more than 10"):
        load_public_keys(write_pem(tmp_path / "keys.pem", *[key] * 11), ["ES256"])


@pytest.mark.parametrize(
    ("made_for", "algorithm"),
    [("RS256", "ES256"), ("ES384", "ES256"), ("ES256", "EdDSA"), ("EdDSA", "RS256")],
)
def test_key_of_another_algorithm_family_is_refused(tmp_path, made_for, algorithm):
    file = write_pem(tmp_path / "key.pem", private_key(made_for).public_key())

    with pytest.raises(ValueError, match=f"cannot be used with {algorithm}"):
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
def test_key_of_wrong_size_or_unsupported_type_is_refused(tmp_path, key, algorithm):
    with pytest.raises(ValueError, match=r"shorter than|longer than|cannot be used"):
        load_public_keys(write_pem(tmp_path / "key.pem", key.public_key()), [algorithm])


def test_private_key_is_refused(tmp_path):
    file = tmp_path / "key.pem"
    file.write_bytes(private_key("ES256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    with pytest.raises(ValueError, match=r"(no|not a) public key"):
        load_public_keys(file, ["ES256"])


def test_error_names_the_missing_file(tmp_path):
    with pytest.raises(ValueError, match=r"missing\.pem cannot be read"):
        load_public_keys(tmp_path / "missing.pem", ["ES256"])
