"""Signs and verifies leases and audit exports, and takes fingerprints of secrets."""
