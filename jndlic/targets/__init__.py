"""The quality that meets a target: a size of the file, or the value of a metric."""
