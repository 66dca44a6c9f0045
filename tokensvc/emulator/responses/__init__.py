"""Responders, which decide on the answers, and scenarios, which script them."""
