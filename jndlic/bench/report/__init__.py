"""Figures to tables, plots and pages."""
