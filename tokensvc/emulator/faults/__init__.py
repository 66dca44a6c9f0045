"""Faults on demand, for token requests and WebSockets."""
