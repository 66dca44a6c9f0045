import os
import re
import subprocess
import time
import tomllib

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authn.tokens_for_tests import private_key
from conformance.peers.javascript import NODE
from tokensvc.authn.site_jwt.authenticator import SiteJwtAuthenticator
from tokensvc.authn.site_jwt.issuers import trust
from tokensvc.config.egress import Egress
from tokensvc.config.environment import Paths
from tokensvc.config.file import PresetName, parse
from tokensvc.domain import Credentials
from wheels import CLONE

PAGE = CLONE / "docs" / "identity.md"
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
SECRET = {"SHOP_JWT_SECRET": "jYd2rXf0qk8bGxv1uQpZ3sWnT6mEoCaHiLzR9yBtK5U="}
PROFILES = {"default": {"model": "gemini-3.8-live", "allow": ["user"]}}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.splitlines()[1])
def test_documented_example_is_a_valid_configuration(tmp_path, example):
    public = private_key("RS256").public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "shop.pem").write_bytes(pem)
    configured = parse({"profiles": PROFILES} | tomllib.loads(example), source="identity.md")
    paths = Paths(tmp_path / "tokensvc.toml", tmp_path, "")

    trusted = trust(configured.issuers, paths, Egress(), SECRET)

    assert len(trusted.issuers) == len(configured.issuers)


def test_each_preset_has_a_documented_example():
    shown = {name for text in EXAMPLES for name in re.findall(r'preset = "(\w+)"', text)}

    assert shown == set(PresetName.__args__)


@pytest.fixture(name="subject_of")
def _subject_of(tmp_path):
    """Return the person in a JWT, by the page's example of a shared secret."""
    (example,) = [text for text in EXAMPLES if 'secret_env = "SHOP_JWT_SECRET"' in text]
    configured = parse({"profiles": PROFILES} | tomllib.loads(example), source="identity.md")
    paths = Paths(tmp_path / "tokensvc.toml", tmp_path, "")
    trusted = trust(configured.issuers, paths, Egress(), SECRET)
    authenticator = SiteJwtAuthenticator(trusted.issuers, time.time)
    return lambda token: authenticator.authenticate(Credentials(token, "192.0.2.1")).subject


def snippet(language):
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return found


def test_python_snippet_signs_a_jwt_that_is_accepted(monkeypatch, subject_of):
    monkeypatch.setenv(*next(iter(SECRET.items())))
    names = {}
    exec(snippet("python"), names)  # noqa: S102 - of our own page

    assert subject_of(names["voice_jwt"]("user 7 ☂")) == "user 7 ☂"


@pytest.mark.system
def test_node_snippet_signs_a_jwt_that_is_accepted(tmp_path, subject_of):
    (tmp_path / "node_modules").symlink_to(CLONE / "tests/node_modules")
    (tmp_path / "sign.mjs").write_text(f"{snippet('js')}\nprocess.stdout.write(await voiceJwt('user 7 ☂'));\n")
    signed = subprocess.run(
        [NODE, "sign.mjs"], cwd=tmp_path, env=os.environ | SECRET, capture_output=True, text=True, check=True
    )

    assert subject_of(signed.stdout) == "user 7 ☂"
