"""The emulator of AWS, and what it is taught."""
