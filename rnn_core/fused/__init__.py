"""Kernels generated from the `step` of a cell.

`trace` reads a step and its derivative into the intermediate `form`, `passes` make it cheaper,
`schedule` decides what is computed when and where it lies, `emit_c` writes C on top of
`kernel.c`, `build` compiles and caches it, and `operators` make it known to PyTorch.
`choice` is where a layer asks for a kernel, `listing` shows a schedule to a reader.

On a GPU, `emit_triton` writes Triton from the same form on top of `kernel_triton`, `programs`
caches and launches it, `cudnn` runs the cells that cuDNN has, and `scan` those whose gates do
not look at the state.
"""
