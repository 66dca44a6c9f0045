"""From a credential to a Principal: signatures and claims, and for an API key one look-up."""
