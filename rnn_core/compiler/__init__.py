"""Kernels generated from the `step` of a cell.

`running.search` finds the kernel of a cell. It reads the cell's code (`inspection`) and traces its
step: `trace` with `reader` and `readings` makes the intermediate `form`, of the `operations` that
there are; `passes` make it cheaper, `verify` checks it after each, and `packing` writes it as text.
`schedule` decides what is computed when and where it lies, `follow` checks that. `listing` shows a
schedule to a reader, and `interpreter` runs a form that cannot be compiled.

`cpu` writes C from a schedule, on top of `kernel.c`, and that of a single step on top of
`direct.c`; `cpu.build` compiles it, `rnn_core.cache` keeps it, and `cpu.operators` makes it known
to PyTorch. `gpu` writes Triton from the same form, and has the cells that cuDNN has. `running` has
what both need: which tensors a kernel can be handed, how it is differentiated, and the eager loop,
which everything has to equal. `onnx` is for exports.

Where a layer asks for a kernel is `rnn_core.layers.execution_path`.
"""
