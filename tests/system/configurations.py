"""The configurations of the services under test, whose users sign in at the tests' own site."""

from __future__ import annotations

from programs import HIGH_LIMITS
from system import faults, site

PUBLIC_URL = "https://tokens.example.com"
ORIGIN = "https://app.example.com"

# What a profile offers besides who may use it: an instruction, a tool of the page, and two choices.
CLERK = """\
token_lifetime = "4m"
connect_within = "45s"
[profiles.default.config]
system_instruction = "You sell umbrellas. ☂"
temperature = 0.3
[[profiles.default.config.tools]]
[[profiles.default.config.tools.function_declarations]]
name = "get_local_time"
description = "The time where the visitor is."
[profiles.default.options.voice]
path = "speech_config.voice_config.prebuilt_voice_config.voice_name"
choices = ["Kore", "Puck"]
[profiles.default.options.language]
path = "speech_config.language_code"
choices = ["en-GB", "de-DE"]
"""

SHOP = f"""
[http]
origins = ["{ORIGIN}", "http://[::1]:3000"]
{site.ISSUER}
[[issuers]]
name = "bank"
issuer = "https://bank.test/"
audience = "https://tokens.test/"
algorithms = ["RS256"]
public_key_file = "bank.pem"
groups_claim = "roles"

[profiles.default]
model = "gemini-3.8-live"
allow = ["user", "guest"]
{CLERK}
[profiles.members]
model = "gemini-3.8-live"
allow = ["user", "key:backend"]
[profiles.staff]
model = "gemini-3.8-live"
allow = ["group:staff"]

{faults.profiles()}

{HIGH_LIMITS}"""

# Serves no guests.
PUBLIC = f"""
[http]
public_url = "{PUBLIC_URL}"
[profiles.default]
model = "gemini-3.8-live"
allow = ["user"]
"""

_PROFILE = """
[profiles.{name}]
model = "gemini-3.8-live"
allow = ["user", "guest"]
{lines}
"""


def configuration(*, http: str = "", limits: str = "", **profiles: str) -> str:
    """Return a configuration with *profiles* by name; each argument is TOML to insert.

    Limits that *limits* does not mention are generous.
    """
    generous = {
        "user": '["100000/minute"]',
        "guest": '["100000/minute"]',
        "concurrent": "{ user = 1000, guest = 1000 }",
        "budget": '{ guest = "99999h/day" }',
    }
    given = {line.split("=")[0].strip() for line in limits.splitlines()}
    rest = "\n".join(f"{name} = {limit}" for name, limit in generous.items() if name not in given)
    return "".join(
        (
            f"[http]\npage = false\n{http}\n",
            site.ISSUER,
            *(_PROFILE.format(name=name, lines=lines) for name, lines in profiles.items()),
            f"[limits]\n{limits}\n{rest}\n",
        )
    )
