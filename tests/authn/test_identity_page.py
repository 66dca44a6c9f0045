import re
import tomllib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authn.tokens_for_tests import private_key
from tokensvc.authn.site_jwt.issuers import trust
from tokensvc.config.egress import Egress
from tokensvc.config.environment import Paths
from tokensvc.config.file import PresetName, parse

PAGE = Path(__file__).parents[2] / "docs" / "identity.md"
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
PROFILES = {"default": {"model": "gemini-3.8-live", "allow": ["user"]}}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.splitlines()[1])
def test_documented_example_is_a_valid_configuration(tmp_path, example):
    public = private_key("RS256").public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "shop.pem").write_bytes(pem)
    configured = parse({"profiles": PROFILES} | tomllib.loads(example), source="identity.md")
    paths = Paths(tmp_path / "tokensvc.toml", tmp_path, "")
    secret = {"SHOP_JWT_SECRET": "jYd2rXf0qk8bGxv1uQpZ3sWnT6mEoCaHiLzR9yBtK5U="}

    trusted = trust(configured.issuers, paths, Egress(), secret)

    assert len(trusted.issuers) == len(configured.issuers)


def test_each_preset_has_a_documented_example():
    shown = {name for text in EXAMPLES for name in re.findall(r'preset = "(\w+)"', text)}

    assert shown == set(PresetName.__args__)
