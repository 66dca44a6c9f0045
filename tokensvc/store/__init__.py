"""Records durably what was granted, and to whom, in one relational database."""
