"""Loads the public keys of issuers from PEM files, and refuses weak ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tokensvc.authn.site_jwt.keys import PublicKey, fits, weakness

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MOST_KEYS = 10
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


def load_public_keys(path: Path, algorithms: Sequence[str]) -> tuple[PublicKey, ...]:
    """The keys in the PEM file at *path*, in its order: several while they rotate.

    Each is fit for one of *algorithms* at least, and each of these has a key.

    Raises:
        ValueError: saying what is wrong with the file or a key.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    blocks = [match.group() for match in _BLOCK.finditer(content)]
    if not 0 < len(blocks) <= MOST_KEYS:
        raise ValueError(f"{path} holds no public key in PEM form, or more than {MOST_KEYS}")
    keys = tuple(_key(block, path, algorithms) for block in blocks)
    for algorithm in algorithms:
        if not any(fits(key, algorithm) for key in keys):
            raise ValueError(f"no key in {path} is one for {algorithm}")
    return keys


def _key(block: bytes, path: Path, algorithms: Sequence[str]) -> PublicKey:
    try:
        key = load_pem_public_key(block)
    except Exception:  # noqa: BLE001 - cryptography raises several kinds for a broken file
        raise ValueError(f"{path} holds what is no public key in PEM form") from None
    if not isinstance(key, PublicKey) or not any(fits(key, name) for name in algorithms):
        raise ValueError(f"a key in {path} is not one for {' or '.join(algorithms)}")
    if weak := weakness(key):
        raise ValueError(f"a key in {path} {weak}")
    return key
