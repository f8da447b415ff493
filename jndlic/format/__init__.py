"""Integers to bytes and back: entropy coding, segments, and the .jlic container (no torch here)."""
