"""Predictors of visible change."""
