"""Odoo, Slack, QuickBooks and AWS on one machine, to run the whole chain without an account."""
