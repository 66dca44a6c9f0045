"""Mints short-lived Gemini Live tokens for the visitors of a site."""
