"""Turns profiles into Google's own request bodies, by the SDK, in a child, cached by content."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokensvc.config.placeholders import fill
from tokensvc.errors import ConfigurationError
from tokensvc.gemini.features import features_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tokensvc.config.profiles import Profile

SETUP = "bidiGenerateContentSetup"
_CHILD_DEADLINE = 60  # seconds; a cold import on a busy machine takes several
_ABSENT = object()
_log = logging.getLogger(__name__)

Patch = dict[tuple[str, ...], Any]  # path into the body -> the value there, or _ABSENT


@dataclass(frozen=True)
class CompiledProfile:
    """A profile as Google takes it.

    *body* is the request body with every option at its default, without the two times; *patches*
    holds, for each option and choice, what differs then. *features* and *locked* are what clients
    are told: how to fit themselves to the session, and the setup less the instruction's text.
    """

    profile: Profile
    body: dict[str, Any]
    patches: Mapping[str, Mapping[str, Patch]]
    features: dict[str, Any] = field(init=False)
    locked: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        """Derive what clients are told, once."""
        object.__setattr__(self, "features", features_of(self.profile, self.body[SETUP]))
        object.__setattr__(self, "locked", _without_instruction(self.body[SETUP]))

    def body_for(
        self, options: Mapping[str, str], claims: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Return the request body with *options*, as `Profile.resolve` returns them.

        With *claims*, each `${claims.name}` in the instruction becomes that claim, or nothing. The
        result shares its unchanged parts with this profile: replace values in it, do not edit them.
        """
        body = self.body
        for name, value in options.items():
            for path, there in self.patches[name][value].items():
                body = replaced(body, path, there)
        instruction = body[SETUP].get("systemInstruction")
        if claims is not None and instruction is not None:
            body = replaced(body, (SETUP, "systemInstruction"), fill(instruction, claims))
        return body

    def locked_for(self, options: Mapping[str, str]) -> dict[str, Any]:
        """Return *locked* with *options* chosen."""
        setup = self.body_for(options)[SETUP]
        return self.locked if setup is self.body[SETUP] else _without_instruction(setup)

    @property
    def resumable(self) -> bool:
        """Whether a session can resume an earlier one."""
        return "sessionResumption" in self.body[SETUP]


def replaced(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return *tree* with *value* at *path*, sharing what is unchanged; *tree* stays as it is."""
    key, *below = path
    if below:
        value = replaced(tree.get(key, {}), tuple(below), value)
    if value is _ABSENT:
        return {name: there for name, there in tree.items() if name != key}
    return {**tree, key: value}


def compile_profiles(
    profiles: Iterable[Profile], *, api_version: str, cache_dir: Path, source: str
) -> dict[str, CompiledProfile]:
    """Compile every profile, asking the SDK only for what *cache_dir* does not hold.

    Raises:
        ConfigurationError: naming each key, in *source*, that Google or its SDK would refuse.
    """
    profiles = list(profiles)
    variants = [(profile, variant) for profile in profiles for variant in _variants(profile)]
    results = _results(
        [
            {"model": profile.model, "config": variant.config, "api_version": api_version}
            for profile, variant in variants
        ],
        cache_dir,
    )
    faults: list[str] = []
    bodies: dict[str, dict[_Choice, dict[str, Any]]] = {profile.name: {} for profile in profiles}
    for (profile, variant), result in zip(variants, results, strict=True):
        faults += [
            f"profiles.{profile.name}.config.{fault}{variant.words}"
            for fault in result.get("faults", ())
        ]
        bodies[profile.name][variant.choice] = result.get("body", {})
    if faults:
        raise ConfigurationError(source, _without_repeats(faults))
    return {profile.name: _assembled(profile, bodies[profile.name]) for profile in profiles}


_Choice = tuple[str, str] | None


@dataclass(frozen=True)
class _Variant:
    """A profile's configuration with one choice other than the default; None: with none."""

    choice: _Choice
    config: dict[str, Any]

    @property
    def words(self) -> str:
        return f" (where {self.choice[0]} is {self.choice[1]})" if self.choice else ""


def _variants(profile: Profile) -> Iterator[_Variant]:
    defaults = copy.deepcopy(profile.config)
    for option in profile.options.values():
        _put(defaults, option.path, option.chosen_by_default)
    yield _Variant(None, defaults)
    for name, option in profile.options.items():
        for choice in option.choices:
            config = copy.deepcopy(defaults)
            _put(config, option.path, choice)
            yield _Variant((name, choice), config)


def _assembled(profile: Profile, bodies: dict[_Choice, dict[str, Any]]) -> CompiledProfile:
    plain = bodies[None]
    patches: dict[str, dict[str, Patch]] = {name: {} for name in profile.options}
    for choice, body in bodies.items():
        if choice is not None:
            patches[choice[0]][choice[1]] = dict(_differences(plain, body))
    return CompiledProfile(profile, plain, patches)


def _put(config: dict[str, Any], path: str, value: str) -> None:
    *parents, last = path.split(".")
    for name in parents:
        below = config.setdefault(name, {})
        if not isinstance(below, dict):
            # Google's own type then says what it expected there.
            below = config[name] = {}
        config = below
    config[last] = value


def _differences(
    one: dict[str, Any], other: dict[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Where *other* differs from *one*; a list is one value."""
    for key in one.keys() | other.keys():
        here, there = one.get(key, _ABSENT), other.get(key, _ABSENT)
        if isinstance(here, dict) and isinstance(there, dict):
            yield from _differences(here, there, (*path, key))
        elif here != there:
            yield (*path, key), there


def _without_instruction(setup: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in setup.items() if key != "systemInstruction"}


def _without_repeats(faults: list[str]) -> list[str]:
    """A fault of the plain profile would else be told again for every choice."""
    plain = {fault.split(" (where ")[0] for fault in faults if " (where " not in fault}
    return [
        fault
        for fault in faults
        if " (where " not in fault or fault.split(" (where ")[0] not in plain
    ]


def _results(requests: Sequence[dict[str, Any]], cache_dir: Path) -> list[dict[str, Any]]:
    """The SDK's result for each request, from the cache where it has been asked before."""
    files = [cache_dir / f"{_digest(request)}.json" for request in requests]
    results = [_cached(file) for file in files]
    missing = [index for index, result in enumerate(results) if result is None]
    if missing:
        for index, result in zip(missing, _asked([requests[i] for i in missing]), strict=True):
            results[index] = result
            if "body" in result:
                _keep(files[index], result)
    return [result for result in results if result is not None]


def _digest(request: dict[str, Any]) -> str:
    """Names a request's cache file: changed by the SDK's release and by our own rules too."""
    rules = b"".join(
        Path(__file__).with_name(name).read_bytes() for name in ("sdk_request.py", "models.py")
    )
    content = json.dumps([request, version("google-genai")], sort_keys=True, default=str)
    return hashlib.sha256(rules + content.encode()).hexdigest()


def _cached(file: Path) -> dict[str, Any] | None:
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return result if isinstance(result, dict) and "body" in result else None


def _keep(file: Path, result: dict[str, Any]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            part = Path(folder) / file.name
            part.write_text(json.dumps(result), encoding="utf-8")
            part.replace(file)
    except OSError as error:  # a full disk, say; the profile is compiled all the same
        _log.warning("compiled profile not cached: %s file=%s", error.strerror, file)


def _asked(requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    child = subprocess.run(
        [sys.executable, "-m", "tokensvc.gemini.sdk_request"],
        input=json.dumps(requests, default=str),
        capture_output=True,
        check=False,
        text=True,
        timeout=_CHILD_DEADLINE,
        # No secret of ours is the child's business, and the SDK's own variables are not obeyed.
        env={
            name: os.environ[name]
            for name in ("PATH", "PYTHONPATH", "HOME", "LANG", "SYSTEMROOT")
            if name in os.environ
        },
    )
    if child.returncode != 0:
        raise RuntimeError(f"Google's SDK could not be asked:\n{child.stderr}")
    answers: list[dict[str, Any]] = json.loads(child.stdout)
    return answers
