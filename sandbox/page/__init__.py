"""The page that shows Odoo, Slack and QuickBooks side by side."""
