"""The companions from end to end: the mirror is loaded, changed, interrupted and compared."""
