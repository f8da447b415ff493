"""Quality metrics, rival codecs and rate-distortion reports; never imported by the codec itself."""
