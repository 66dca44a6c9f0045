import math

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tokensvc.authn.site_jwt.keys import weakness

# Two primes as Infineon's chips made them (CVE-2017-15361), multiplied.
ROCA = int(
    "c1126e7bf86e291ca8e7a471e5f5426abdb8dd9a015e38bb019342cf12fbb1c4ee8b694f100be83b"
    "c99bb959080d4af5e0c5dd005ab631e0d0d731390c4d749447c2d5e35145ff82b04ebf112b443248"
    "80ff0ed2d2a777c273f69f7dcd57f213df568dd732bbddd4ac38e6e83039c3b15c71ed8fda533099"
    "5abaa166fcfb3e4772c81c00c8d2c0219bace9a3983385b079d222e221ca62535d05724cacdc9f4a"
    "0b462993b6bcfd5a255f4b17f2e6f55110d29b7211ea8e96fdbf4bb91b154a2387b63f6fbd3d4272"
    "92066d933c534bd7ba7a012db745094f52027a5bdf94d18739efed34f0e05ca60db8334f0d7420e7"
    "808883c12bc9a1a160d1c335280b799b",
    16,
)


@pytest.fixture(name="modulus", scope="module")
def _modulus():
    return rsa.generate_private_key(65537, 2048).public_key().public_numbers().n


def public(modulus, exponent=65537):
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def test_ordinary_keys_may_be_used(modulus):
    assert weakness(public(modulus)) is None
    assert weakness(public(modulus, 2**32 + 1)) is None
    assert weakness(ec.generate_private_key(ec.SECP256R1()).public_key()) is None


@pytest.mark.parametrize("exponent", [3, 5, 17, 257, 65535, 2**64 + 1])
def test_key_with_an_unusual_exponent_is_weak(modulus, exponent):
    assert "exponent" in weakness(public(modulus, exponent))


def test_key_of_the_roca_generator_is_weak():
    assert "can be factored" in weakness(public(ROCA))


@pytest.mark.parametrize("apart", [2, 2**100, 2**500])
def test_key_with_close_factors_is_weak(apart):
    """Fermat's method finds factors whose difference is small; they need not be prime here."""
    factor = 2**1024 - 2**500 - 1297
    while math.gcd(factor * (factor + apart), math.factorial(1000)) > 1:
        factor -= 2

    assert "can be factored" in weakness(public(factor * (factor + apart)))


def test_key_with_a_small_factor_is_weak(modulus):
    assert "can be factored" in weakness(public(modulus * 997))
