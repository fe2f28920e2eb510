"""What the four handlers share: the bill, its rules, and the edges to other systems."""
