"""Verifies the JWTs of a site's own logins, with keys from a file, a secret, or a JWKS."""
