"""Stage 2: from the table to a card, a decision and the queue."""
