"""What each function is built from: its clients, made once per cold start."""
