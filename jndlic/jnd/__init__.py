"""Just-noticeable-difference maps: how much error each pixel tolerates, in grey levels."""
