"""A bill as a Slack message. Pure."""
