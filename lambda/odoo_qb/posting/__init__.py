"""Stage 3: from the queue to QuickBooks."""
