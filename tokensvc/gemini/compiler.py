"""Compiles profiles into Google's request bodies, with the SDK in a child process and a cache."""

import hashlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tokensvc.config.placeholders import NONE, fill
from tokensvc.config.profiles import Profile, functions_in
from tokensvc.config.tools import ServerTool
from tokensvc.errors import ConfigurationError
from tokensvc.gemini.features import features_of

SETUP = "bidiGenerateContentSetup"
_CHILD_DEADLINE = 60  # seconds; a cold import on a busy machine takes several
_ABSENT = object()
_INITIAL_HISTORY = {"initialHistoryInClientContent": True}
_log = logging.getLogger(__name__)

Patch = dict[tuple[str, ...], Any]  # path into the body -> the value there, or _ABSENT


@dataclass(frozen=True)
class CompiledProfile:
    """A profile with its request body for Google.

    *body* is the request body with every option at its default, without expiry times; *patches*
    holds the differences for each choice of each option. Clients are told *features*, to adapt to
    the session, and *locked*, the setup without the instruction.
    """

    profile: Profile
    body: dict[str, Any]
    patches: Mapping[str, Mapping[str, Patch]]
    features: dict[str, Any] = field(init=False)
    locked: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        """Derive what clients are told; `object.__setattr__` is needed in a frozen class."""
        object.__setattr__(self, "features", features_of(self.profile, self.body[SETUP]))
        object.__setattr__(self, "locked", _without_instruction(self.body[SETUP]))

    def body_for(
        self,
        options: Mapping[str, str],
        claims: Mapping[str, str] | None = None,
        context: Mapping[str, str] = NONE,
        *,
        rebuild: bool = False,
    ) -> dict[str, Any]:
        """Return the request body with *options*, as `Profile.resolve` returns them.

        With *claims*, each `${claims.name}` in the instruction becomes that claim, or nothing, and
        each `${context.name}` that value of *context*. With *rebuild*, the session waits for its
        history, if its model takes one in no other way. The result shares its unchanged parts with
        this profile: replace values in it, do not edit them.
        """
        body = self.body
        for name, value in options.items():
            for path, changed in self.patches[name][value].items():
                body = replaced(body, path, changed)
        instruction = body[SETUP].get("systemInstruction")
        if claims is not None and instruction is not None:
            body = replaced(body, (SETUP, "systemInstruction"), fill(instruction, claims, context))
        if rebuild and self.features.get("rebuild") == "history":
            body = replaced(body, (SETUP, "historyConfig"), _INITIAL_HISTORY)
        return body

    def locked_for(self, options: Mapping[str, str]) -> dict[str, Any]:
        """Return *locked* with *options* chosen."""
        setup = self.body_for(options)[SETUP]
        # Unchanged parts are shared, so identity means that no option changed the setup.
        return self.locked if setup is self.body[SETUP] else _without_instruction(setup)

    def schema_of(self, function: str) -> Mapping[str, Any]:
        """Return the locked parameters of a function that is declared: Google's Schema."""
        found = next(each for each in functions_in(self.body[SETUP]) if each["name"] == function)
        return found.get("parameters") or {}

    @property
    def resumable(self) -> bool:
        """Whether sessions of this profile can be resumed."""
        return "sessionResumption" in self.body[SETUP]


def replaced(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return *tree* with *value* at *path*, sharing what is unchanged; *tree* stays as it is."""
    key, *below = path
    if below:
        value = replaced(tree.get(key, {}), tuple(below), value)
    if value is _ABSENT:
        return {name: kept for name, kept in tree.items() if name != key}
    return {**tree, key: value}


def compile_profiles(
    profiles: Iterable[Profile], *, api_version: str, cache_dir: Path, source: str
) -> dict[str, CompiledProfile]:
    """Compile every profile, asking the SDK only for what *cache_dir* does not hold.

    Raises:
        ConfigurationError: naming the settings in the file *source* that Google would refuse.
    """
    profiles = list(profiles)
    requests = [
        {
            "model": profile.model,
            "config": profile.config,
            "options": {
                name: {"path": option.path, "choices": option.choices, "default": option.chosen_by_default}
                for name, option in profile.options.items()
            },
            "api_version": api_version,
            "tools": {name: _described(tool) for name, tool in profile.tools.items()},
        }
        for profile in profiles
    ]
    results = list(zip(profiles, _results(requests, cache_dir), strict=True))
    faults = [f"profiles.{profile.name}.{fault}" for profile, result in results for fault in result.get("faults", ())]
    if faults:
        raise ConfigurationError(source, faults)
    return {profile.name: _assembled(profile, **result) for profile, result in results}


def _described(tool: ServerTool) -> dict[str, Any]:
    described = tool.model_dump(include={"python", "description", "parameters", "bind", "same", "behavior", "confirm"})
    return described | {"in_url": tool.named_in(tool.url), "in_confirm": tool.named_in(tool.confirm)}


def _assembled(
    profile: Profile, body: dict[str, Any], choices: dict[str, dict[str, dict[str, Any]]]
) -> CompiledProfile:
    """Return the profile with its patches: where a choice's body differs from the default's."""
    patches = {
        option: {value: dict(_differences(body, changed)) for value, changed in bodies.items()}
        for option, bodies in choices.items()
    }
    return CompiledProfile(profile, body, patches)


def _differences(
    old: dict[str, Any], new: dict[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each path where *new* differs from *old*, with its value; a list is one value."""
    for key in old.keys() | new.keys():
        before, after = old.get(key, _ABSENT), new.get(key, _ABSENT)
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _differences(before, after, (*path, key))
        elif before != after:
            yield (*path, key), after


def _without_instruction(setup: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in setup.items() if key != "systemInstruction"}


def _results(requests: Sequence[dict[str, Any]], cache_dir: Path) -> list[dict[str, Any]]:
    """Return the SDK's result for each request, from the cache if it is there."""
    # A function's declaration is not cached: its source may change, wherever it is.
    files = [None if request["tools"] else cache_dir / f"{_digest(request)}.json" for request in requests]
    results = [_read_cache(file) if file else None for file in files]
    missing = [index for index, result in enumerate(results) if result is None]
    if missing:
        fresh = _run_sdk([requests[index] for index in missing])
        for index, result in zip(missing, fresh, strict=True):
            results[index] = result
            file = files[index]
            if file and "body" in result:  # a fault is never cached
                _write_cache(file, result)
    return [result for result in results if result is not None]


def _digest(request: dict[str, Any]) -> str:
    """Return a digest of the request, the SDK's version and our own rules: a cache key."""
    rules = b"".join(Path(__file__).with_name(name).read_bytes() for name in ("sdk_request.py", "models.py"))
    content = json.dumps([request, version("google-genai")], sort_keys=True, default=str)
    return hashlib.sha256(rules + content.encode()).hexdigest()


def _read_cache(file: Path) -> dict[str, Any] | None:
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return result if isinstance(result, dict) and "body" in result else None


def _write_cache(file: Path, result: dict[str, Any]) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            part = Path(folder) / file.name
            part.write_text(json.dumps(result), encoding="utf-8")
            part.replace(file)
    except OSError as error:  # such as a full disk; the profile is used without the cache
        _log.warning("compiled profile not cached file=%s reason=%s", file, error.strerror)


def _run_sdk(requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run `sdk_request` in a child process, and return its result for each request."""
    child = subprocess.run(
        [sys.executable, "-m", "tokensvc.gemini.sdk_request"],
        input=json.dumps(requests, default=str),
        capture_output=True,
        check=False,
        text=True,
        timeout=_CHILD_DEADLINE,
        env=_child_environment(any(request["tools"] for request in requests)),
    )
    if child.returncode != 0:
        raise RuntimeError(f"Google's SDK failed:\n{child.stderr}")
    results: list[dict[str, Any]] = json.loads(child.stdout)
    return results


def _child_environment(imports_tools: bool) -> dict[str, str]:  # noqa: FBT001 - the only argument
    """Return the child's environment: no secret of ours, and none of the variables that the SDK obeys."""
    if imports_tools:  # a site's module may need its own variables
        ours = ("TOKENSVC_", "GEMINI_", "GOOGLE_", "DATABASE_URL")
        return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {name: os.environ[name] for name in {"PATH", "PYTHONPATH", "HOME", "LANG", "SYSTEMROOT"} & os.environ.keys()}
