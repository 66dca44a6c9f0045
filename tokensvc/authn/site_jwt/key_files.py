"""Loads the public keys of issuers from PEM files, and rejects weak ones."""

import re
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tokensvc.authn.site_jwt.keys import PublicKey, fits, weakness

MOST_KEYS = 10
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


def load_public_keys(path: Path, algorithms: Sequence[str]) -> tuple[PublicKey, ...]:
    """Return the keys in the PEM file at *path*, in order; there are several during a rotation.

    Raises:
        ValueError: if the file is not valid, a key is weak or fits none of *algorithms*, or one of
            *algorithms* has no key.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    blocks = [match.group() for match in _BLOCK.finditer(content)]
    if not 0 < len(blocks) <= MOST_KEYS:
        raise ValueError(f"{path} has no public key in PEM form, or more than {MOST_KEYS}")
    keys = tuple(_key(block, path, algorithms) for block in blocks)
    for algorithm in algorithms:
        if not any(fits(key, algorithm) for key in keys):
            raise ValueError(f"no key in {path} can be used with {algorithm}")
    return keys


def _key(block: bytes, path: Path, algorithms: Sequence[str]) -> PublicKey:
    try:
        key = load_pem_public_key(block)
    except Exception:  # noqa: BLE001 - cryptography raises several kinds
        raise ValueError(f"{path} has a block that is not a public key in PEM form") from None
    if not isinstance(key, PublicKey) or not any(fits(key, name) for name in algorithms):
        raise ValueError(f"a key in {path} cannot be used with {' or '.join(algorithms)}")
    if weak := weakness(key):
        raise ValueError(f"a key in {path} {weak}")
    return key
