"""Kernels generated from the `step` of a cell.

`search` finds the kernel of a cell. It reads the cell's code (`inspection`, `guards`, `origin`,
`memory`), and traces its step: `trace` with `reader` and `readings` makes the intermediate `form`,
of the `operations` that there are; `passes` make it cheaper, `verify` checks it after each, and
`packing` writes it as text. `schedule` decides what is computed when and where it lies, `follow`
checks that. `emit_c` with `stages_c` writes C on top of `kernel.c`, `emit_step_c` that of a single
step on top of `direct.c`; `build` compiles it, and `cache` keeps it.

`choice` is where a layer asks for a kernel, `readable` says which tensors one can be handed.
`operators` makes kernels known to PyTorch, `differentiation` differentiates them, `one_step` runs
a single step, `anywhere` and `interpreter` run a form where it cannot be compiled. `listing` shows
a schedule to a reader, `onnx` and `onnx_scan` are for exports.

On a GPU, `emit_triton` writes Triton from the same form on top of `kernel_triton`, `programs`
launches it, `cudnn` runs the cells that cuDNN has, and `scan` those whose gates do not look at the
state.
"""
