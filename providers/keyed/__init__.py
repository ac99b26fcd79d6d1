"""Services that are asked with a key: one table, one adapter."""
