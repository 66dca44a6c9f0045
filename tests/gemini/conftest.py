import pytest

from tokensvc.config.profiles import Profile
from tokensvc.gemini.compiler import compile_profiles


@pytest.fixture(name="compile_all", scope="session")
def _compile_all(tmp_path_factory):
    """Compile profiles with these fields; all tests share a cache unless one is given."""
    shared = tmp_path_factory.mktemp("compiled")

    def compile_all(*profiles, cache_dir=shared):
        defaults = {"model": "gemini-3.8-live", "allow": ["user"]}
        made = [
            Profile.model_validate(defaults | {"name": f"p{number}"} | fields) for number, fields in enumerate(profiles)
        ]
        compiled = compile_profiles(made, api_version="v1beta", cache_dir=cache_dir, source="tokensvc.toml")
        return list(compiled.values())

    return compile_all


@pytest.fixture(name="compile_one", scope="session")
def _compile_one(compile_all):
    """Compile a profile with these fields."""

    def compile_one(**fields):
        (compiled,) = compile_all(fields)
        return compiled

    return compile_one
