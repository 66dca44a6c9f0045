"""Responders: what decides the answer to a turn."""
