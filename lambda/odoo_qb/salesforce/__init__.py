"""Salesforce's REST API and its records."""
