"""One connection's session, from `setupComplete` to the close."""
