"""Faults on demand: the next token requests or WebSockets fail as told."""
