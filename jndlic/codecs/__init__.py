"""Codecs, all seen alike: pixels and a level to real bytes, and back."""
