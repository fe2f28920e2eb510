"""Beside the journey: invoices given to a state machine, checked, numbered and announced."""
