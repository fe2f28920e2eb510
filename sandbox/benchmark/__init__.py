"""What the pipeline weighs, takes and costs."""
