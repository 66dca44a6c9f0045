"""Authenticates callers: turns a credential into a Principal."""
