"""What the service signs and recognizes: leases, sealed exports, fingerprints of secrets."""
