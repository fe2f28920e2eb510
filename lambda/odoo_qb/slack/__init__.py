"""Slack's API, signature and blocks."""
