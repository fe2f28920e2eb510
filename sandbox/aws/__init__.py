"""The AWS emulator, MiniStack, and our fixes to it."""
