"""The size, time and cost of the pipeline."""
