"""Which vendor, accounts and tax codes a bill takes in QuickBooks.."""
