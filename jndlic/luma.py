"""The weights of luma."""

LUMA = (0.299, 0.587, 0.114)
"""Of red, green and blue (ITU-R BT.601), as JPEG has them."""
