"""What a page's author asks of the client, on each model: our client, service and emulator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from emulator.live_client import speech
from programs import report_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from programs import Program

CLIENT = Path(__file__).with_name("page-author.mjs")
PROFILE = """
[profiles.{name}]
model = "{model}"
allow = ["guest"]
[profiles.{name}.config]
response_modalities = ["AUDIO"]
{config}
[[profiles.{name}.config.tools]]
function_declarations = [{{ name = "hang_up", ends = true }}]
"""
LIMITS = """
[limits]
guest = ["1000/minute"]
concurrent = { guest = 100 }
budget = { guest = "999h/day" }
"""
MODELS = {
    "flash38": ("gemini-3.8-live", ""),
    "thinking38": (
        "gemini-3.8-live-extended-thinking",
        'thinking_config = { thinking_level = "LOW" }',
    ),
    "flash31": ("gemini-3.1-flash-live-preview", ""),
    "native25": ("gemini-2.5-flash-native-audio-latest", ""),
}
CONFIGURATION = LIMITS + "".join(
    PROFILE.format(name=name, model=model, config=config) for name, (model, config) in MODELS.items()
)
every_model = pytest.mark.parametrize("profile", MODELS)


@pytest.fixture(name="voice", scope="module")
def _voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide a file with 1.5 s of a voice and 1.2 s of silence, raw PCM at 16 kHz."""
    path = tmp_path_factory.mktemp("voice") / "voice.pcm"
    path.write_bytes(speech(1.5))
    return path


@pytest.fixture(name="converse", scope="module")
def _converse(
    start_service: Callable[..., Program], start_emulator: Callable[..., Program], voice: Path
) -> Callable[..., tuple[dict[str, Any], dict[str, Any]]]:
    """Hold a conversation; return what the page was told, and the emulator's session."""
    running: dict[tuple[str, ...], tuple[Program, Program]] = {}

    def converse(profile: str, deed: str, *flags: str) -> tuple[dict[str, Any], dict[str, Any]]:
        if flags not in running:
            emulator = start_emulator("--playback-rate", "10", "--send-rate", "20", *flags)
            running[flags] = emulator, start_service(CONFIGURATION, emulator.url, workers=1)
        emulator, service = running[flags]
        told = report_of(["node", CLIENT, service.url, profile, voice, deed])
        return told, emulator.get("/emulator/sessions/last").json

    return converse


@every_model
def test_model_learns_the_context_and_does_not_answer_it(converse: Callable[..., Any], profile: str) -> None:
    told, session = converse(profile, "context")

    assert told["silent"]
    assert "1739" in told["typed"]
    assert "1740" in told["spoken"]
    assert session["counters"]["answers"] == 3, "to what was typed twice and spoken once"
    assert session["close"] == {"code": 1000, "reason": ""}


@pytest.mark.parametrize("profile", ["flash38", "native25"])
def test_speech_after_a_context_is_answered_by_a_server_that_waits_for_the_end_of_the_turn(
    converse: Callable[..., Any], profile: str
) -> None:
    """As reported of models of early 2025: googleapis/live-api-web-console, issue 60."""
    told, session = converse(profile, "context", "--incomplete-content", "awaited")

    assert told["silent"]
    assert "1740" in told["spoken"]
    assert session["counters"]["answers"] == 3


@every_model
def test_model_sees_an_image_and_does_not_answer_it(converse: Callable[..., Any], profile: str) -> None:
    told, session = converse(profile, "image")

    assert told["silent"]
    assert "1 video frames" in told["typed"]
    assert session["counters"]["answers"] == 1


@every_model
def test_stopped_answer_is_cut_once_and_the_next_one_is_whole(converse: Callable[..., Any], profile: str) -> None:
    """3.1 has no message that stops it without an answer, so it learns of it with the next turn."""
    told, session = converse(profile, "interruption")

    assert (told["cut"], told["interrupted"], told["answers"]) == (True, 1, 2)
    assert "the user stopped your answer" in told["next"]
    assert session["counters"]["interruptions"] == 1
    assert session["close"] == {"code": 1000, "reason": ""}


@every_model
def test_agent_hangs_up_after_its_goodbye(converse: Callable[..., Any], profile: str) -> None:
    told, session = converse(profile, "farewell")

    assert told["states"] == ["connecting", "live", "closed"]
    assert len(told["said"]) == 1
    assert session["counters"]["tool_answers"] == 1
    assert session["close"] == {"code": 1000, "reason": ""}
