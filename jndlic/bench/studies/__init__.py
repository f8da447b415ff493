"""Measurements that answer one question each."""
