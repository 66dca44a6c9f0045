"""Locks: which setup applies."""

from __future__ import annotations

from conformance.table.rules import (
    documented,
    ours,
    recorded,
    rule,
    without,
)
from emulator.live_client import MODEL, setup
from tokensvc.emulator import Options

REFERENCE = "https://ai.google.dev/api/live, AuthToken"
AUDIO = {"responseModalities": ["AUDIO"]}


@rule(
    "Without a mask and a setup, the client's setup applies",
    documented(REFERENCE),
    without(
        "provisioning/tokens.py",
        "return client if self.setup is None else self.setup",
        "return self.setup or {}",
    ),
)
async def unconstrained(emulating):
    async with emulating() as client:
        token = await client.token()
        requested = setup(systemInstruction={"parts": [{"text": "Anything."}]})
        async with client.session(requested, token):
            assert client.latest()["effective_setup"] == requested


@rule(
    "A setup without a mask replaces the client's entirely",
    documented(REFERENCE),
    without(
        "provisioning/tokens.py",
        "return client if self.setup is None else self.setup",
        "return {**client, **(self.setup or {})}",
    ),
)
async def full_lock(emulating):
    async with emulating() as client:
        locked = {"model": MODEL, "generationConfig": AUDIO}
        token = await client.token(bidiGenerateContentSetup=locked)
        async with client.session(setup(tools=[{"googleSearch": {}}]), token):
            assert client.latest()["effective_setup"] == locked


@rule(
    "A full lock of the model alone leaves the default modality, which no model supports",
    ours(
        "after an unattributed probe of 2026-08-29; googleapis/js-genai has a record of 2025 with AUDIO, as by option"
    ),
    without(
        "protocol/models.py",
        'generation.get("responseModalities") or [modality]',
        'generation.get("responseModalities") or ["AUDIO"]',
    ),
)
async def model_alone(emulating):
    async with emulating() as client:
        token = await client.token(bidiGenerateContentSetup={"model": MODEL})
        assert await client.refusal(setup(), token) == (
            1007,
            "The requested combination of response modalities (TEXT) is not supported by the model",
        )
    async with emulating(Options(default_modality="AUDIO")) as client:
        token = await client.token(bidiGenerateContentSetup={"model": MODEL})
        async with client.session(setup(), token):
            pass


@rule(
    "Masked fields overwrite the client's; the others are the client's",
    documented(REFERENCE),
    without(
        "provisioning/tokens.py",
        "return apply_mask(client, self.setup or {}, self.mask)",
        "return client",
    ),
)
async def masked(emulating):
    async with emulating() as client:
        token = await client.token(
            bidiGenerateContentSetup={
                "model": MODEL,
                "generationConfig": {**AUDIO, "temperature": 0.2, "seed": 1},
            },
            fieldMask="model,generationConfig.temperature",
        )
        requested = setup(model="models/of-the-client", generationConfig={**AUDIO, "temperature": 2})
        async with client.session(requested, token):
            effective = client.latest()["effective_setup"]
            assert effective["model"] == MODEL
            assert effective["generationConfig"] == {**AUDIO, "temperature": 0.2}
            assert effective["inputAudioTranscription"] == {}


@rule(
    "A partial lock by an SDK leaves the other fields to the client",
    documented("google-genai and @google/genai, lock_additional_fields"),
    without(
        "provisioning/tokens.py",
        "return apply_mask(client, self.setup or {}, self.mask)",
        "return self.setup or {}",
    ),
)
async def partial_lock(emulating):
    locked = {"model": MODEL, "generationConfig": {**AUDIO, "temperature": 0.25}}
    async with emulating() as client:
        token = await client.token(bidiGenerateContentSetup=locked, lockAdditionalFields=["seed"])
        requested = setup(
            generationConfig={**AUDIO, "temperature": 1.5, "seed": 5},
            systemInstruction={"parts": [{"text": "Mine."}]},
        )
        async with client.session(requested, token):
            effective = client.latest()["effective_setup"]
            assert effective["generationConfig"] == locked["generationConfig"]
            assert effective["systemInstruction"]["parts"] == [{"text": "Mine."}]


@rule(
    "A masked field that the token leaves unset is unset in the session",
    documented(REFERENCE),
    without("protocol/field_masks.py", "target.pop(last, None)", "pass"),
)
async def masked_to_default(emulating):
    async with emulating() as client:
        token = await client.token(fieldMask="tools,system_instruction")
        requested = setup(tools=[{"googleSearch": {}}])
        async with client.session(requested, token):
            assert "tools" not in client.latest()["effective_setup"]


@rule(
    "A mask accepts both spellings, nested fields and repetitions",
    documented("google-genai, its own test cases"),
    without("protocol/field_masks.py", "camel(step) for step in", "step for step in"),
)
async def mask_spellings(emulating):
    async with emulating() as client:
        status, _ = await client.mint({"fieldMask": "output_audio_transcription" + 2 * ",generationConfig.top_k"})
        assert status == 200
        assert client.emulator.tokens.tokens.popitem()[1].mask == (
            ("outputAudioTranscription",),
            ("generationConfig", "topK"),
        )


@rule(
    "A mask with an unknown path is refused",
    recorded("googleapis/js-genai issue 1492"),
    without("protocol/field_masks.py", "elif not drop_unknown:", "elif False:"),
)
async def unknown_mask_paths(emulating):
    for odd in ("tools.0", "config", "topK", "safetySettings.0", "generationConfig.nothing"):
        async with emulating() as client:
            status, answer = await client.mint({"fieldMask": f"model,{odd}"})
            assert status == 400
            message = answer["error"]["message"]
            assert message == "field_mask is invalid for BidiGenerateContentSetup"
        async with emulating(Options(unknown_mask_paths="accepted")) as client:
            status, _ = await client.mint({"fieldMask": f"model,{odd}"})
            assert status == 200
