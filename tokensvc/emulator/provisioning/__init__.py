"""Ephemeral tokens: the endpoint that mints them, credentials, and their limits."""
