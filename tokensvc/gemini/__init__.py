"""Compiles profiles and mints ephemeral tokens: everything that knows Google's API."""
