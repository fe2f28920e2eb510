"""A copy of an ERP's contacts, invoices, payments, orders and accounts, kept equal to it."""
