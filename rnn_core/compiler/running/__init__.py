"""Kernels in use: found, differentiated, and run where an exported program arrives."""
