"""A shop with its own login, which serves the agent itself: its customers talk under their own names."""

import os

from flask import Flask, redirect, render_template, request, session
from werkzeug.security import check_password_hash, generate_password_hash

import tokensvc

CUSTOMERS = {"ada": generate_password_hash("earl grey")}  # a real shop has these in its database


def create_app():
    """Return the shop, with the service at /voice."""
    app = Flask(__name__)
    app.secret_key = os.environ["SHOP_SECRET_KEY"]  # signs the shop's cookie
    app.config.update(SESSION_COOKIE_SAMESITE="Lax")
    app.add_url_rule("/", view_func=home)
    app.add_url_rule("/login", view_func=login, methods=["POST"])
    app.add_url_rule("/logout", view_func=logout, methods=["POST"])
    app.register_blueprint(tokensvc.blueprint(customer), url_prefix="/voice")
    return app


def customer(_request):
    """Return who is signed in, for the service to believe; None if nobody is."""
    name = session.get("customer")
    return name and tokensvc.person(name, claims={"given_name": name.title()})


def home():
    """Show the shop: the widget to customers who are signed in, a form to the others."""
    return render_template("shop.html", customer=session.get("customer"))


def login():
    """Sign a customer in."""
    name, password = request.form.get("name", ""), request.form.get("password", "")
    if check_password_hash(CUSTOMERS.get(name, ""), password):
        session["customer"] = name
    return redirect("/")


def logout():
    """Sign the customer out."""
    session.clear()
    return redirect("/")
