"""Pictures through codecs: files, figures, curves."""
