"""Files of weights and of checkpoints."""
