"""Reads secrets from variables or files, and says which an attacker could guess."""

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from tokensvc.errors import ConfigurationError
from tokensvc.plain_text import decode

_LARGEST_FILE = 65_536  # bytes
SHORTEST_SECRET = 32  # bytes: what HMAC-SHA256 asks for (RFC 7518, section 3.2)
EXAMPLE = "is a published example secret"
# Long enough that random characters do not contain one.
_PLACEHOLDER = re.compile(
    r"change.?(me|this|it)|replace.?(me|this|with)|your.(own|256|512|api|jwt|secret|super)|insecure"
    r"|placeholder|(super|my).?secret|not.?a.?secret|do.?not.?use|password|qwerty|correct.?horse",
    re.IGNORECASE,
)
# From the documentation of Flask and FastAPI, jwt.io, and RFC 7515 (A.1).
_PUBLISHED = (
    "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "a-string-secret-at-least-256-bits-long",
    "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
)


def read_secret(environment: Mapping[str, str], variable: str) -> str:
    """Return *variable* as it is set, or the content of the file that *variable*_FILE names; "" if neither is set.

    The file is read again at each reload, so that a secret can be replaced without a restart. Raises
    ConfigurationError if both are set, or the file cannot be read or is empty.
    """
    value, named = environment.get(variable, ""), f"{variable}_FILE"
    path = environment.get(named, "").strip()
    if not path:
        return value
    if value.strip():
        raise ConfigurationError("environment", [f"{variable} and {named} are both set: remove one of them"])
    try:
        with Path(path).expanduser().open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
        if len(content) <= _LARGEST_FILE and (text := decode(content)).strip():
            return text
        fault = "is empty" if len(content) <= _LARGEST_FILE else "is too large for a secret"
    except OSError as error:
        fault = f"cannot be read: {error.strerror}"
    except ValueError:
        fault = "is not text in UTF-8"
    # Without the path, which may be the secret itself by mistake.
    raise ConfigurationError("environment", [f"{named}: the file that it names {fault}"])


def weakness(secret: str) -> str | None:
    """Return why *secret* must not be used, or None if it may be."""
    if len(secret.encode()) < SHORTEST_SECRET:
        return f"is shorter than {SHORTEST_SECRET} bytes"
    triples = {secret[i : i + 3] for i in range(len(secret) - 2)}
    steps = sum(abs(ord(a) - ord(b)) == 1 for a, b in pairwise(secret))  # as in “abc” or “321”
    if len(set(secret)) < 8 or len(triples) < 0.6 * len(secret) or steps > len(secret) / 2:  # noqa: PLR2004 - random ones are far from all three
        return "has too few different characters, or a pattern"
    if _PLACEHOLDER.search(secret) or any(secret in known or known in secret for known in _PUBLISHED):
        return EXAMPLE
    return None
