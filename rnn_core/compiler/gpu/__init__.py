"""Kernels for GPUs: Triton programs, and what cuDNN has."""
