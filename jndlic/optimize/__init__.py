"""The smallest file that still looks the same."""
