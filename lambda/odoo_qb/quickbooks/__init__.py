"""QuickBooks' API, tokens, errors and lists."""
