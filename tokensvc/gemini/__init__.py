"""From a profile to an ephemeral token: everything that knows Google's API."""
