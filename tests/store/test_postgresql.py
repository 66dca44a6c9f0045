"""A URL of PostgreSQL is used as its provider writes it: nothing in it is dropped in silence."""

from __future__ import annotations

import logging
from urllib.parse import quote

import pytest

from tokensvc.errors import ConfigurationError
from tokensvc.store.engine import open_engine
from tokensvc.store.postgresql import read_url

PASSWORDS = ["p@ss", "a:b", "w/rd", "#1?", "100%sure", "a b", "+&=", "[::1]", "ü'\"\\", "@/@", "%"]


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("written", [str, lambda text: quote(text, safe="")], ids=["raw", "quoted"])
def test_password_may_contain_any_character(password, written):
    parameters, _ = read_url(f"postgres://ada:{written(password)}@db.example:6543/shop")

    assert parameters["password"] == password
    assert (parameters["user"], parameters["host"]) == ("ada", "db.example")
    assert (parameters["port"], parameters["dbname"]) == ("6543", "shop")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://a:b@h/d?channel_binding=require", {"channel_binding": "require"}),
        ("postgresql://a:b@h/d?options=-c%20search_path%3Dx", {"options": "-c search_path=x"}),
        ("postgresql://a:b@h/d?connect_timeout=30", {"connect_timeout": "30"}),
        ("postgresql://a:b@h/d", {"connect_timeout": 5}),
        ("postgresql://a:b@h/d?application_name=x+y", {"application_name": "x+y"}),
        ("postgresql://a:b@h/d?ssl=true", {"sslmode": "require"}),
        ("postgresql://a:b@h1:1,h2:2/d", {"port": "1,2", "target_session_attrs": "read-write"}),
        ("postgresql://a:b@h1,h2/d?target_session_attrs=any", {"target_session_attrs": "any"}),
        ("postgresql://a:b@[::1]:5/d", {"host": "::1", "port": "5"}),
        ("postgresql:///d?host=/run/postgresql", {"host": "/run/postgresql", "dbname": "d"}),
        ("postgresql://a@%2Frun%2Fpg/d", {"host": "/run/pg", "user": "a"}),
        ("postgresql://a@server:b@h/d", {"user": "a@server", "password": "b"}),
        ("postgresql+asyncpg://a:b@h/d", {"host": "h"}),
    ],
)  # fmt: skip
def test_parameters_of_the_url_are_kept(url, expected):
    parameters, _ = read_url(url)
    assert expected.items() <= parameters.items()


def test_parameter_of_another_tool_is_named_in_the_log_and_ignored(caplog):
    with caplog.at_level(logging.INFO):
        parameters, schema = read_url("postgresql://h/d?pgbouncer=true&connection_limit=1&schema=s")

    assert schema == "s"
    assert not {"pgbouncer", "connection_limit", "schema"} & parameters.keys()
    assert [record.args for record in caplog.records] == [("pgbouncer",), ("connection_limit",)]


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("postgresql://ada:hidden@h/d?sslmod=require", "“sslmod”"),
        ("postgresql://ada:hidden@h/d?Sslmode=require", "“Sslmode”"),
        ("postgresql://ada:hidden", "port"),
        ("postgresql://ada:hidden@h:54x/d", "port"),
        ("postgresql://ada:hidden@h%zz/d", "postgresql://user:password@host"),
    ],
)
def test_invalid_url_is_refused_with_its_fault_and_without_the_password(url, named):
    with pytest.raises(ConfigurationError, match="DATABASE_URL") as refused:
        open_engine(url)

    assert named in str(refused.value)
    assert "hidden" not in str(refused.value)


@pytest.mark.system
def test_schema_of_the_url_is_used(new_database):
    url = new_database()
    engine = open_engine(f"{url}&schema=My%22Own")
    with engine.begin() as connection:
        found = connection.exec_driver_sql("SELECT current_setting('search_path')").scalar()
    engine.dispose()

    assert found == '"My""Own"'
