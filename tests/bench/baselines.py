"""The baselines of the benchmark: the same endpoint in its simplest forms."""

from __future__ import annotations

import os
import sqlite3
import warnings
from datetime import UTC, datetime, timedelta

import jwt
from flask import Flask, Response, request


def plain() -> Flask:
    """Return an app that answers without any work: the most that Flask can do here."""
    app = Flask(__name__)

    @app.get("/livez")
    @app.post("/token")
    def answer() -> dict[str, str]:
        return {"token": "auth_tokens/none"}

    return app


def naive() -> Flask:
    """Return an app that checks a JWT, counts in SQLite and mints with Google's SDK."""
    from google import genai  # noqa: PLC0415 - the plain baseline must not load it

    warnings.simplefilter("ignore")  # token creation is marked experimental
    app = Flask(__name__)
    client = genai.Client(
        api_key="a-key",
        http_options={"base_url": os.environ["UPSTREAM"], "api_version": "v1beta"},
    )
    store = os.environ["STORE"]
    with sqlite3.connect(store) as connection:
        connection.execute("create table if not exists grants (subject text, at real)")

    @app.get("/livez")
    def live() -> str:
        return "ok"

    @app.post("/token")
    def token() -> Response | tuple[str, int]:
        try:
            claims = jwt.decode(
                request.headers["Authorization"].removeprefix("Bearer "),
                os.environ["SHOP_SECRET"],
                algorithms=["HS256"],
                audience="https://tokens.test/",
                issuer="https://shop.test/",
            )
        except (KeyError, jwt.InvalidTokenError):
            return "sign in", 401
        now = datetime.now(UTC)
        connection = sqlite3.connect(store, timeout=30)
        with connection:
            connection.execute("insert into grants values (?, ?)", (claims["sub"], now.timestamp()))
        connection.close()
        minted = client.auth_tokens.create(
            config={
                "uses": 1,
                "expire_time": now + timedelta(minutes=5),
                "new_session_expire_time": now + timedelta(minutes=1),
                "live_connect_constraints": {
                    "model": "gemini-3.8-live",
                    "config": {"response_modalities": ["AUDIO"]},
                },
            }
        )
        return {"token": minted.name}

    return app
