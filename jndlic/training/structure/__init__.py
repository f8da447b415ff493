"""Training of the structure network."""
