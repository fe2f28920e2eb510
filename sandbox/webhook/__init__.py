"""An endpoint for the webhook: verifies what arrives, keeps it, and fails on demand."""
