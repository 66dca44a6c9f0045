"""GET /livez: the process answers."""

from flask import Blueprint, Response


def blueprint() -> Blueprint:
    """The route; it touches nothing that could be slow."""
    routes = Blueprint("health", __name__)

    @routes.get("/livez")
    def live() -> Response:
        return Response("ok\n", mimetype="text/plain", headers={"Cache-Control": "no-store"})

    return routes
