"""Ephemeral tokens: who may create them, and what each one allows."""
