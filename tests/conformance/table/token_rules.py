"""Tokens: keys, and the lifetime and the uses of a token."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from conformance.table.rules import (
    documented,
    ours,
    recorded,
    rule,
    without,
)
from tokensvc.emulator import Options

REFERENCE = "https://ai.google.dev/api/live, AuthToken"
PAGE = "https://ai.google.dev/gemini-api/docs/live-api/ephemeral-tokens"


def in_hours(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


@rule(
    "A token expires in at most 20 hours",
    documented(PAGE),
    without("provisioning/tokens.py", "if end > now + LONGEST_LIFE:", "if False:"),
)
async def longest_life(emulating):
    async with emulating() as client:
        for field in ("expireTime", "newSessionExpireTime"):
            status, _ = await client.mint({field: in_hours(19.9)})
            assert status == 200
            status, answer = await client.mint({field: in_hours(20.1)})
            assert status == 400
            assert "too far in the future. Maximum lifetime is 20h" in answer["error"]["message"]


@rule(
    "uses limits the number of sessions that a token starts",
    documented(PAGE),
    without("provisioning/tokens.py", "token.uses_left -= 1", "pass"),
)
async def uses(emulating):
    async with emulating() as client:
        token = await client.token(uses=2)
        for _ in range(2):
            async with client.session(token=token):
                pass
        assert await client.refusal(token=token) == (1011, "Token has been used too many times")


@rule(
    "uses of 0 means unlimited",
    documented(REFERENCE),
    without("provisioning/tokens.py", "uses_left=uses if uses > 0 else None", "uses_left=uses"),
)
async def unlimited(emulating):
    async with emulating() as client:
        token = await client.token(uses=0)
        for _ in range(3):
            async with client.session(token=token):
                pass


@rule(
    "The default for uses is 1",
    documented(REFERENCE),
    without("provisioning/tokens.py", 'request.get("uses", 1)', 'request.get("uses", 0)'),
)
async def one_use(emulating):
    async with emulating() as client:
        token = await client.token()
        async with client.session(token=token):
            pass
        assert await client.refusal(token=token) == (1011, "Token has been used too many times")


@rule(
    "By default, new sessions may start for 60 s",
    documented(PAGE),
    without("provisioning/tokens.py", "DEFAULT_WINDOW = 60.0", "DEFAULT_WINDOW = 600.0"),
)
async def default_window(emulating):
    async with emulating() as client:
        early, late = await client.token(), await client.token()
        client.emulator.clock.skip(55)
        async with client.session(token=early):
            pass
        client.emulator.clock.skip(10)
        code, reason = await client.refusal(token=late)
        assert (code, "new_session_expire_time" in reason) == (1011, True)


@rule(
    "By default, a token expires after 30 min",
    documented(PAGE),
    without("provisioning/tokens.py", "DEFAULT_LIFE = 30 * 60.0", "DEFAULT_LIFE = 60 * 60.0"),
)
async def default_life(emulating):
    async with emulating() as client:
        token = await client.token(newSessionExpireTime=in_hours(10))
        client.emulator.clock.skip(30 * 60 + 1)
        assert await client.refusal(token=token) == (1011, "Token has expired")


@rule(
    "A running session is closed when its token expires",
    documented(f"{PAGE}; the reason after an unattributed probe of 2026-09-18"),
    without("session/deadlines.py", "context.end(CloseReasons.expired_mid_session)", ""),
)
async def expires_mid_session(emulating):
    async with emulating() as client:
        token = await client.token(expireTime=in_hours(0.5), newSessionExpireTime=in_hours(0.4))
        async with client.session(token=token) as session:
            client.emulator.clock.skip(0.5 * 3600)
            assert await session.until_closed() == (1011, "auth token has expired")


@rule(
    "An unknown token is refused",
    ours("the real reason is not known"),
    without(
        "provisioning/tokens.py",
        "raise CloseError(CloseReasons.unknown_token)",
        "return next(iter(self.tokens.values()))",
    ),
)
async def unknown_token(emulating):
    async with emulating() as client:
        await client.token()
        assert await client.refusal(token="auth_tokens/none") == (1011, "Token not found")


@rule(
    "Minting requires an API key",
    recorded("https://generativelanguage.googleapis.com/v1beta/models, which answers so"),
    without("provisioning/credentials.py", "raise unregistered()", "return"),
    unsupported="an SDK does not start without a key",
)
async def no_key(emulating):
    async with emulating() as client:
        status, answer = await client.mint(headers={})
        assert (status, answer["error"]["status"]) == (403, "PERMISSION_DENIED")
        assert "unregistered callers" in answer["error"]["message"]


@rule(
    "An invalid API key is refused, for token requests and for sessions",
    recorded("https://generativelanguage.googleapis.com/v1beta/models, which answers so"),
    without("provisioning/credentials.py", "if not self.configured:", "if True:"),
)
async def keys(emulating):
    async with emulating(Options(api_keys=("the-one",))) as client:
        status, answer = await client.mint(headers={"x-goog-api-key": "another"})
        assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
        assert answer["error"]["details"][0]["reason"] == "API_KEY_INVALID"
        assert await client.refusal() == (
            1007,
            "API key not valid. Please pass a valid API key.",
        )
        status, _ = await client.mint(headers={"x-goog-api-key": "the-one"})
        assert status == 200


@rule(
    "A token is not accepted as an API key",
    documented("google-genai, which takes tokens for the Live API alone"),
    without(
        "provisioning/credentials.py",
        "if key.startswith(PREFIX) or not _PLAUSIBLE.fullmatch(key):",
        "if not _PLAUSIBLE.fullmatch(key.removeprefix(PREFIX)):",
    ),
    unsupported="an SDK refuses it itself",
)
async def token_as_key(emulating):
    async with emulating() as client:
        token = await client.token()
        status, answer = await client.mint(headers={"x-goog-api-key": token})
        assert (status, answer["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")


@rule(
    "A token can be neither read nor listed nor revoked",
    documented(f"{REFERENCE}: created only"),
    without("provisioning/endpoint.py", 'HTTPStatus.NOT_FOUND, "NOT_FOUND"', 'HTTPStatus.OK, "OK"'),
    unsupported="an SDK only has create",
)
async def no_reading(emulating):
    async with emulating() as client:
        token = await client.token()
        for path in ("auth_tokens", token):
            for method in ("GET", "DELETE"):
                if (method, path) == ("DELETE", "auth_tokens"):
                    continue
                url = f"{client.emulator.url}/v1beta/{path}"
                async with client.http.request(method, url) as response:
                    assert response.status == 404
