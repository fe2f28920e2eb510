"""A simulator of Salesforce's REST API: one org with accounts, opportunities and custom objects."""
