"""From a credential to a Principal: signatures and claims only."""
