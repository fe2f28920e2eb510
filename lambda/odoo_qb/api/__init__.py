"""The HTTP API: what the mirror holds, and schedules."""
