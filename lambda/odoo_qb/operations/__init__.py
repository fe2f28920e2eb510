"""What works across all stages: the sweep, e-mails, the audit."""
