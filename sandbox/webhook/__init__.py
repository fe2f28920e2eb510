"""An endpoint for the webhook: verifies what arrives, keeps it, and fails when it is told to."""
