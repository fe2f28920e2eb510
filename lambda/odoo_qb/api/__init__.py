"""The HTTP API: what the mirror holds, schedules, and the pages of the console."""
