"""What was granted, and to whom: the durable record, in one relational store."""
