"""The whole chain in one process, for tests and benchmarks."""
