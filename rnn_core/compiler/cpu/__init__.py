"""Kernels for CPUs: C, compiled once and called as operators of PyTorch."""
