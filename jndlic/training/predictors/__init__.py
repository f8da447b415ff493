"""Training of the picture-wise predictors."""
