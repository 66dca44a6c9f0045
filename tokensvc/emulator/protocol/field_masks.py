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


def read_mask(text: str, *, odd: bool) -> tuple[Path, ...]:
    """The paths of a mask, in camelCase.

    Both spellings and repetitions are taken. A path that is none in a setup (an array index, a
    field that does not exist) is refused, or dropped where *odd* masks are accepted.

    Raises:
        RefusedError: 400, in the words reported for it.
    """
    paths = []
    for written in filter(None, (part.strip() for part in text.split(","))):
        path = tuple(camel(step) for step in written.split("."))
        if _exists(path):
            paths.append(path)
        elif not odd:
            raise invalid_argument("field_mask is invalid for BidiGenerateContentSetup")
    return tuple(dict.fromkeys(paths))


def _exists(path: Path) -> bool:
    kind = SETUP
    for step in path:
        if kind.endswith("{}"):
            kind = kind[:-2]
        elif step in MESSAGES.get(kind, {}):
            kind = MESSAGES[kind][step]
        else:
            return False
    return True


def overwrite(
    client: dict[str, Any], token: dict[str, Any], mask: tuple[Path, ...]
) -> dict[str, Any]:
    """The client's setup with the masked fields of the token's in their place.

    A masked field that the token leaves unset is unset in the outcome too.
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
    return {
        key: value for key, value in out.items() if value != {} or key in client or key in token
    }
