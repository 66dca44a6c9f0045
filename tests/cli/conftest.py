import pytest
from click.testing import CliRunner

from programs import OPEN_PROFILE, service_environment
from tokensvc.cli.root import tokensvc


@pytest.fixture(name="tokensvc")
def _tokensvc(tmp_path):
    """Run a command as an operator does, in a folder and with a store of its own."""
    environment = service_environment(tmp_path, OPEN_PROFILE, "http://127.0.0.1:9")

    def run(*words, typed=None, **changed):
        return CliRunner().invoke(tokensvc, words, input=typed, env=environment | changed)

    return run
