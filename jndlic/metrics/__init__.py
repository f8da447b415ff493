"""Quality of a decoded picture beside its original, one metric a file."""
