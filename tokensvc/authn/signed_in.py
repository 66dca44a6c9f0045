"""Authenticates people who are signed in to the Flask application that mounts the service."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from tokensvc.config.placeholders import LONGEST_VALUE
from tokensvc.domain import SITE_ISSUER, Credentials, Principal
from tokensvc.plain_text import LONGEST_SUBJECT, is_plain, is_subject


def person(subject: str, *, groups: Iterable[str] = (), claims: Mapping[str, str] | None = None) -> Principal:
    """Return the person whom a site calls *subject*, such as the ID of its user.

    *groups* are those that profiles and limits name, *claims* what an instruction may contain.

    Raises:
        ValueError: if one of them is not a short plain string.
    """
    claims, groups = dict(claims or {}), frozenset(groups)
    if not is_subject(subject):
        raise ValueError(f"subject must be a string of 1 to {LONGEST_SUBJECT} plain characters, such as str(user.id)")
    for name, value in claims.items():
        if not is_plain(value, LONGEST_VALUE):
            raise ValueError(f"claim {name!r} must be a string of 1 to {LONGEST_VALUE} plain characters, on one line")
    if not all(map(is_plain, groups)):
        raise ValueError("groups must be strings of plain characters")
    return Principal("user", SITE_ISSUER, subject, groups, claims)


def authenticate_signed_in(claims: Collection[str], credentials: Credentials) -> Principal | None:
    """Return who is signed in to the site, with those *claims* that the configuration lists.

    Returns None if nobody is, or if the request has a credential of its own.
    """
    found = credentials.signed_in
    if found is None or credentials.unverified_bearer is not None:
        return None
    return replace(found, claims={name: found.claims[name] for name in claims if name in found.claims})
