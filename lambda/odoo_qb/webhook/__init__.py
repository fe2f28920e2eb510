"""Beside the journey: each change of the mirror, sent on to an endpoint."""
