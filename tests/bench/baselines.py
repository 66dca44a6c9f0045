"""The baselines of the benchmark: the same endpoint as it would obviously be written."""

from __future__ import annotations

import os
import sqlite3
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import jwt
from flask import Flask, request
from flask_cors import CORS
from flask_limiter import Limiter

if TYPE_CHECKING:
    from google.genai import Client

CONFIG = {
    "uses": 1,
    "live_connect_constraints": {
        "model": "gemini-3.8-live",
        "config": {"response_modalities": ["AUDIO"]},
    },
}


def _client() -> Client:
    from google import genai  # noqa: PLC0415 - what each app needs is imported when it is built

    warnings.simplefilter("ignore")  # token creation is marked experimental
    upstream = {"base_url": os.environ["UPSTREAM"], "api_version": "v1beta"}
    return genai.Client(api_key="a-key", http_options=upstream)


def _minted(client: Client) -> str | None:
    now = datetime.now(UTC)
    times = {
        "expire_time": now + timedelta(minutes=5),
        "new_session_expire_time": now + timedelta(minutes=1),
    }
    return client.auth_tokens.create(config={**CONFIG, **times}).name


def sdk() -> Flask:
    """Return an app that mints with Google's SDK, and does nothing else."""
    app = Flask(__name__)
    client = _client()

    @app.get("/livez")
    def live() -> str:
        return "ok"

    @app.post("/token")
    def token() -> dict[str, str | None]:
        return {"token": _minted(client)}

    return app


def obvious() -> Flask:
    """Return an app that checks a JWT, limits, records in SQLite and mints with Google's SDK."""
    app = Flask(__name__)
    CORS(app, origins=["https://shop.test"])
    limiter = Limiter(_subject, app=app, storage_uri="memory://")
    client = _client()
    store, public_key = os.environ["STORE"], Path(os.environ["PUBLIC_KEY"]).read_text("ascii")
    with sqlite3.connect(store) as connection:
        connection.execute("create table if not exists grants (subject text, at real)")

    @app.get("/livez")
    @limiter.exempt
    def live() -> str:
        return "ok"

    @app.post("/token")
    @limiter.limit("1000000/day")
    def token() -> dict[str, str | None] | tuple[str, int]:
        try:
            claims = jwt.decode(
                _bearer(),
                public_key,
                algorithms=["RS256"],
                audience="https://tokens.test/",
                issuer="https://shop.test/",
            )
        except jwt.InvalidTokenError:
            return "sign in", 401
        connection = sqlite3.connect(store, timeout=30)
        with connection:
            at = datetime.now(UTC).timestamp()
            connection.execute("insert into grants values (?, ?)", (claims["sub"], at))
        connection.close()
        return {"token": _minted(client)}

    return app


def _bearer() -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


def _subject() -> str:
    return _bearer()[-43:]  # the signature: the limit is counted before the token is decoded
