"""A simulator of QuickBooks Online: its API, its lists, its arithmetic."""
