"""Which vendor, accounts and tax codes a bill gets in QuickBooks."""
