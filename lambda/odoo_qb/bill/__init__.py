"""What a bill is, was, and may become. Pure."""
