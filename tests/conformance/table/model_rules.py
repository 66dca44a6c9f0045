"""Models: what each one accepts in a setup."""

from __future__ import annotations

from conformance.table.rules import (
    documented,
    ours,
    recorded,
    rule,
    without,
)
from emulator.live_client import setup
from tokensvc.emulator import Options

AUDIO = {"responseModalities": ["AUDIO"]}
NATIVE_25 = "models/gemini-2.5-flash-native-audio-preview-12-2025"
LIVE_31 = "models/gemini-3.1-flash-live-preview"
LIVE_38 = "models/gemini-3.8-live"
EXTENDED = "models/gemini-3.8-live-extended-thinking"
MODEL_PAGES = "https://ai.google.dev/gemini-api/docs/models/gemini-3.8-live and the other models' pages"


def thinking(**config):
    return {"generationConfig": {**AUDIO, "thinkingConfig": config}}


def tool(behavior):
    return {"tools": [{"functionDeclarations": [{"name": "f", "behavior": behavior}]}]}


def extended(**fields):
    """Return fields for the extended thinking model, which requires a level."""
    return {**thinking(thinkingLevel="LOW"), **fields}


async def check(emulating, accepted, refused):
    """Check that the *accepted* (model, fields) open a session and the *refused* get 1007."""
    async with emulating() as client:
        for model, fields in accepted:
            async with client.session(setup(model=model, **fields)):
                pass
        for model, fields in refused:
            code, reason = await client.refusal(setup(model=model, **fields))
            assert (code, bool(reason)) == (1007, True), (model, fields)


@rule(
    "Each model accepts its own thinking configuration",
    documented(MODEL_PAGES),
    without("protocol/models.py", '_check_thinking(generation.get("thinkingConfig"), model)', ""),
)
async def thinking_config(emulating):
    await check(
        emulating,
        accepted=[
            (NATIVE_25, thinking(thinkingBudget=0)),
            (LIVE_31, thinking(thinkingLevel="MINIMAL")),
            (EXTENDED, thinking(thinkingLevel="HIGH")),
        ],
        refused=[
            (NATIVE_25, thinking(thinkingLevel="LOW")),
            (LIVE_31, thinking(thinkingBudget=100)),
            (LIVE_38, thinking(thinkingLevel="LOW")),
            (LIVE_38, thinking()),
            (EXTENDED, thinking(thinkingLevel="MINIMAL")),
        ],
    )


@rule(
    "The extended thinking model requires a thinking level",
    recorded(
        "ProfSynapse/nexus pull request 389, MemberJunction/MJ pull request 4512, "
        "google-gemini/cookbook pull request 1379; the reason is ours"
    ),
    without("protocol/models.py", "            level_required=True,\n", ""),
)
async def level_required(emulating):
    await check(
        emulating,
        accepted=[(EXTENDED, thinking(thinkingLevel="LOW")), (LIVE_31, {}), (NATIVE_25, {})],
        refused=[(EXTENDED, {}), (EXTENDED, thinking(includeThoughts=True))],
    )


@rule(
    "2.5 has an alias for its latest version",
    recorded("hkjarral/AVA-AI-Voice-Agent-for-Asterisk pull request 171, which offers it"),
    without(
        "protocol/models.py",
        '"models/gemini-2.5-flash-native-audio-latest": _NATIVE_25,',
        "",
    ),
)
async def latest(emulating):
    alias = "models/gemini-2.5-flash-native-audio-latest"
    await check(emulating, accepted=[(alias, thinking(thinkingBudget=0))], refused=[])


@rule(
    "Only 2.5 accepts affective dialog",
    documented(f"{MODEL_PAGES}; the reason after an unattributed probe of 2026"),
    without("protocol/models.py", "_check_affective(generation, model)", ""),
)
async def affective(emulating):
    affective = {"generationConfig": {**AUDIO, "enableAffectiveDialog": True}}
    await check(
        emulating,
        accepted=[(NATIVE_25, affective)],
        refused=[(LIVE_31, affective), (LIVE_38, affective), (EXTENDED, affective)],
    )
    async with emulating() as client:
        refusal = await client.refusal(setup(model=LIVE_38, **affective))
        assert refusal == (1007, "Request contains an invalid argument.")


@rule(
    "Proactive audio is optional on 2.5, refused on 3.1 and always on for later models",
    documented(MODEL_PAGES),
    without("protocol/models.py", '_check_proactivity(setup.get("proactivity"), model)', ""),
)
async def proactivity(emulating):
    on, off = ({"proactivity": {"proactiveAudio": value}} for value in (True, False))
    await check(
        emulating,
        accepted=[(NATIVE_25, on), (NATIVE_25, off), (LIVE_38, on)],
        refused=[(LIVE_31, on), (LIVE_38, off), (EXTENDED, extended(**off))],
    )


@rule(
    "Both are accepted on v1alpha only, by option",
    recorded("googleapis/js-genai issue 696, of June 2025, on 2.5; not known for 3.8"),
    without("server/admission.py", "models.check_version(setup)", "pass"),
)
async def alpha_fields(emulating):
    proactive = setup(model=NATIVE_25, proactivity={"proactiveAudio": True})
    affective = setup(model=NATIVE_25, generationConfig={**AUDIO, "enableAffectiveDialog": True})
    async with emulating(Options(native_fields="v1alpha")) as client:
        for requested, name in (
            (proactive, "proactivity"),
            ({**proactive, "model": LIVE_38}, "proactivity"),
            (affective, "enableAffectiveDialog"),
        ):
            async with client.session(requested, version="v1alpha"):
                pass
            code, reason = await client.refusal(requested, version="v1beta")
            assert (code, f'Unknown name "{name}" at \'setup' in reason) == (1007, True)


@rule(
    "Each model accepts its own function behaviors",
    documented(MODEL_PAGES),
    without(
        "protocol/models.py",
        'if behavior not in (*model.behaviors, "UNSPECIFIED"):',
        "if False:",
    ),
)
async def behaviors(emulating):
    await check(
        emulating,
        accepted=[
            (NATIVE_25, tool("BLOCKING")),
            (NATIVE_25, tool("NON_BLOCKING")),
            (LIVE_31, tool("BLOCKING")),
            (LIVE_38, tool("BLOCKING")),
            (LIVE_38, tool("NON_BLOCKING")),
            (EXTENDED, extended(**tool("NON_BLOCKING"))),
        ],
        refused=[(LIVE_31, tool("NON_BLOCKING")), (EXTENDED, extended(**tool("BLOCKING")))],
    )


@rule(
    "Native audio models only answer in audio",
    ours("after an unattributed probe of 2026-08-29"),
    without("protocol/models.py", 'if asked != ["AUDIO"]:', "if False:"),
)
async def modalities(emulating):
    words = "The requested combination of response modalities ({}) is not supported by the model"
    async with emulating() as client:
        for requested, named in ((["TEXT"], "TEXT"), (["TEXT", "AUDIO"], "AUDIO, TEXT")):
            refusal = await client.refusal(setup(generationConfig={"responseModalities": requested}))
            assert refusal == (1007, words.format(named))


@rule(
    "Generation settings that the Live API does not support are refused",
    documented("https://ai.google.dev/api/live, BidiGenerateContentSetup"),
    without("protocol/models.py", "if any(name in generation for name in _NEVER_IN_LIVE):", "if False:"),
)
async def never_in_live(emulating):
    fields = [
        {"responseLogprobs": True},
        {"responseMimeType": "application/json"},
        {"logprobs": 2},
        {"responseSchema": {"type": "OBJECT"}},
        {"stopSequences": ["."]},
        {"audioTimestamp": True},
    ]
    await check(
        emulating,
        accepted=[],
        refused=[(LIVE_38, {"generationConfig": {**AUDIO, **each}}) for each in fields],
    )


@rule(
    "A schema's enum is only accepted for strings",
    recorded("livekit/agents issue 4159"),
    without(
        "protocol/models.py",
        'if schema.get("enum") and schema.get("type") != "STRING":',
        "if False:",
    ),
)
async def enums(emulating):
    async with emulating() as client:
        inner = {"type": "ARRAY", "items": {"type": "INTEGER", "enum": ["1"]}}
        parameters = {"type": "OBJECT", "properties": {"task_ids": inner}}
        declared = {"name": "f", "behavior": "BLOCKING", "parameters": parameters}
        code, reason = await client.refusal(setup(tools=[{"functionDeclarations": [declared]}]))
        assert code == 1007
        assert reason == ("parameters.properties[task_ids].items.enum: only allowed for STRING type")


@rule(
    "The only tools are search and functions",
    documented("https://ai.google.dev/gemini-api/docs/live-api/tools"),
    without("protocol/models.py", "if not tool.keys() <= _TOOLS:", "if False:"),
)
async def tools(emulating):
    others = ("codeExecution", "urlContext", "googleMaps", "fileSearch")
    await check(
        emulating,
        accepted=[(LIVE_38, {"tools": [{"googleSearch": {}}]}), (LIVE_38, tool("BLOCKING"))],
        refused=[(LIVE_38, {"tools": [{name: {}}]}) for name in others],
    )


@rule(
    "A system instruction must be text",
    documented("https://ai.google.dev/api/live"),
    without(
        "protocol/models.py",
        'if any("text" not in part for part in instruction.get("parts", [])):',
        "if False:",
    ),
    without("conversation/plan.py", 'part["text"] for part', 'part.get("text", "") for part'),
)
async def instruction(emulating):
    picture = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
    await check(
        emulating,
        accepted=[(LIVE_38, {"systemInstruction": {"parts": [{"text": "Be kind."}]}})],
        refused=[(LIVE_38, {"systemInstruction": {"parts": [picture]}})],
    )


@rule(
    "The target of compression must not exceed its trigger",
    documented("https://ai.google.dev/api/live"),
    without(
        "protocol/models.py",
        "if not 0 < target <= trigger <= model.window:",
        "if not (0 < target and trigger <= model.window):",
    ),
)
async def compression(emulating):
    def window(trigger, target):
        sliding = {"targetTokens": str(target)}
        return {"contextWindowCompression": {"triggerTokens": trigger, "slidingWindow": sliding}}

    await check(
        emulating,
        accepted=[(LIVE_38, window(25_600, 12_800)), (LIVE_38, {"contextWindowCompression": {}})],
        refused=[(LIVE_38, window(10_000, 12_800)), (LIVE_38, window(200_000, 1_000))],
    )


@rule(
    "Sampling parameters must be in their ranges",
    documented("https://ai.google.dev/api/generate-content"),
    without(
        "protocol/models.py",
        "if not lowest <= generation.get(name, lowest) <= highest:",
        "if False:",
    ),
)
async def sampling(emulating):
    fields = [{"temperature": 2.5}, {"topP": -0.1}, {"maxOutputTokens": 0}]
    await check(
        emulating,
        accepted=[(LIVE_38, {"generationConfig": {**AUDIO, "temperature": 2, "topP": 0.9}})],
        refused=[(LIVE_38, {"generationConfig": {**AUDIO, **each}}) for each in fields],
    )
