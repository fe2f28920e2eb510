"""What looks over all stages: the sweep, e-mails, the audit."""
