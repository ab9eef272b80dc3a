"""Columns of timestamps: found, read, checked, and continued."""
