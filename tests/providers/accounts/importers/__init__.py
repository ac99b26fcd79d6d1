"""Importing logins from other switchers."""
