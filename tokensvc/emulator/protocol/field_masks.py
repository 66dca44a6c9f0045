"""Field masks: which fields of the token's setup overwrite the client's.

Source: AuthToken.fieldMask in https://ai.google.dev/api/live.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, TypeAlias

from tokensvc.emulator.protocol.errors import invalid_argument
from tokensvc.emulator.protocol.messages import MESSAGES
from tokensvc.emulator.protocol.protojson import camel

Path: TypeAlias = tuple[str, ...]
SETUP = "BidiGenerateContentSetup"


def parse_mask(text: str, *, drop_unknown: bool) -> tuple[Path, ...]:
    """Return the paths of a mask, in camelCase.

    Both spellings and repeated paths are accepted. A path that a setup does not have (an array
    index, an unknown field) is an error, or is dropped if *drop_unknown*.

    Raises:
        RpcError: 400 for an unknown path, with the message that the real API is reported to send.
    """
    paths = []
    for written in filter(None, (part.strip() for part in text.split(","))):
        path = tuple(camel(step) for step in written.split("."))
        if _exists(path):
            paths.append(path)
        elif not drop_unknown:
            raise invalid_argument("field_mask is invalid for BidiGenerateContentSetup")
    return tuple(dict.fromkeys(paths))


def _exists(path: Path) -> bool:
    kind = SETUP
    for step in path:
        if kind.endswith("{}"):
            kind = kind[:-2]  # in a map, any key exists
        elif step in MESSAGES.get(kind, {}):
            kind = MESSAGES[kind][step]
        else:
            return False
    return True


def apply_mask(client: dict[str, Any], token: dict[str, Any], mask: tuple[Path, ...]) -> dict[str, Any]:
    """Return the client's setup with the masked fields replaced by the token's.

    A masked field that the token leaves unset is unset in the result too.
    """
    out = deepcopy(client)
    for *parents, last in mask:
        source: dict[str, Any] = token
        target = out
        for parent in parents:
            source = source.get(parent, {})
            target = target.setdefault(parent, {})
        if last in source:
            target[last] = deepcopy(source[last])
        else:
            target.pop(last, None)
    # Leave out the empty objects that only setdefault added.
    return {key: value for key, value in out.items() if value != {} or key in client or key in token}
