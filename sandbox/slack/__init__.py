"""A simulator of a Slack workspace."""
