"""Odoo's API and its records."""
