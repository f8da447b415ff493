"""Training of the codec; never imported by the codec itself."""
