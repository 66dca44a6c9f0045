"""Configurations for services whose users sign in at the tests' own site."""

from __future__ import annotations

from service import site

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
