"""Twelve financial figures, from journal items."""
