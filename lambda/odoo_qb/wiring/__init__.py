"""What each of the functions is built from: its clients, made once a start."""
