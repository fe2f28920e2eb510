"""Stage 1: from Odoo to the table."""
