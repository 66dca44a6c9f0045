"""A shop with its own login, whose customers talk to the agent under their own names."""

import os
import time

import jwt
from flask import Flask, abort, redirect, render_template, request, session
from werkzeug.security import check_password_hash, generate_password_hash

SERVICE = os.environ.get("TOKENSVC_URL", "http://localhost:8080")
ISSUER = os.environ.get("SHOP_URL", "http://localhost:5000")  # `issuer` in tokensvc.toml
AUDIENCE = "tokensvc"  # `audience` in tokensvc.toml
LIFETIME = 60  # seconds; the widget asks for another when it needs one

SECRET = os.environ["SHOP_JWT_SECRET"]  # shared with the service
# A real shop has these in its database.
CUSTOMERS = {"ada": generate_password_hash("earl grey")}
NOBODY = generate_password_hash(os.urandom(16).hex())  # so that an unknown name takes as long as a wrong password

app = Flask(__name__)
app.secret_key = os.urandom(32)  # signs the shop's cookie; a real shop keeps it
app.config.update(SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_HTTPONLY=True)


@app.get("/")
def home():
    """Show the shop: the widget to customers who are signed in, a form to the others."""
    return render_template("shop.html", customer=session.get("customer"), service=SERVICE)


@app.post("/login")
def login():
    """Sign a customer in."""
    name = request.form.get("name", "")
    if not check_password_hash(CUSTOMERS.get(name, NOBODY), request.form.get("password", "")):
        return render_template("shop.html", wrong=True), 403
    session["customer"] = name
    return redirect("/")


@app.post("/logout")
def logout():
    """Sign the customer out."""
    session.clear()
    return redirect("/")


@app.post("/voice-jwt")
def voice_jwt():
    """Sign who the customer is, for the service to believe."""
    if "customer" not in session:
        abort(401)
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": session["customer"], "iat": now, "exp": now + LIFETIME}
    return jwt.encode(claims, SECRET, algorithm="HS256"), {"Content-Type": "text/plain", "Cache-Control": "no-store"}
