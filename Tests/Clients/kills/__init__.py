"""Kills of a broker under load: real clients, and what they were told held against the log."""
