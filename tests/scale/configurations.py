"""Configurations of services for people who sign in at the tests' own site."""

from __future__ import annotations

from service import site

_PROFILE = """
[profiles.{name}]
model = "gemini-3.8-live"
allow = ["user", "guest"]
{lines}
"""


def shop(*, http: str = "", limits: str = "", **profiles: str) -> str:
    """A configuration of *profiles*, by name, for everybody; each part is TOML to be put in.

    No limit is in the way but those that are said.
    """
    generous = {
        "user": '["100000/minute"]',
        "guest": '["100000/minute"]',
        "concurrent": "{ user = 1000, guest = 1000 }",
        "budget": '{ guest = "99999h/day" }',
    }
    said = {line.split("=")[0].strip() for line in limits.splitlines()}
    rest = "\n".join(f"{name} = {it}" for name, it in generous.items() if name not in said)
    return "".join(
        (
            f"[http]\npage = false\n{http}\n",
            site.ISSUER,
            *(_PROFILE.format(name=name, lines=lines) for name, lines in profiles.items()),
            f"[limits]\n{limits}\n{rest}\n",
        )
    )
