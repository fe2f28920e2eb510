"""What the four handlers share: the bill, its rules, and the clients of other systems."""
