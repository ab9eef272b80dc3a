"""Products that read a matrix as it lies, for every width of vectors a processor may have."""

import ctypes
import platform
import subprocess

import pytest
import torch

from rnn_core.compiler.cpu.build import FLAGS, find_compiler, whole_text
from rnn_core.compiler.cpu.step import direct_text

WRAPPER = """
void both(integer rows, integer depth, integer columns, const REAL *left, const REAL *matrix,
          const REAL *turned, REAL *result, REAL *other)
{
    const integer P = padded(columns);
    begin(rows, 0, columns, 0, result, P);
    begin(rows, 0, columns, 0, other, P);
    add_product(rows, depth, left, depth, matrix, columns, 0, columns, result, P);
    add_transposed(rows, depth, left, depth, turned, depth, 0, columns, other, P);
}
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="flags belong to x86-64")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("march", ["x86-64", "x86-64-v3"])
def test_products_with_narrow_vectors(tmp_path, kernels, dtype, march):
    if march == "x86-64-v3" and "AVX2" not in torch.backends.cpu.get_cpu_capability() + "AVX2":
        pytest.skip("the processor has no such vectors")
    source, library = tmp_path / "products.c", tmp_path / "products.so"
    source.write_text(whole_text(direct_text() + WRAPPER, dtype))
    flags = [f"-march={march}" if flag == "-march=native" else flag for flag in FLAGS]
    command = [*find_compiler(), *flags, str(source), "-o", str(library), "-lm"]
    subprocess.run(command, check=True)
    both = ctypes.CDLL(str(library)).both
    for rows in (1, 2, 3, 4, 7, 16):
        for depth, columns in ((1, 1), (5, 7), (17, 33), (64, 64), (40, 130)):
            left, matrix = torch.randn(rows, depth).to(dtype), torch.randn(depth, columns).to(dtype)
            turned = matrix.t().contiguous()
            width = -(-columns // 64) * 64
            results = [torch.zeros(rows * width, dtype=dtype) for _ in range(2)]
            tensors = (left, matrix, turned, *results)
            both(
                *map(ctypes.c_longlong, (rows, depth, columns)),
                *(ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors),
            )
            wanted = (left.double() @ matrix.double()).to(dtype)
            for result in results:
                stride = padded(columns, march, dtype)
                found = result.as_strided((rows, columns), (stride, 1))
                kernels.assert_near([found], [wanted], 5e-6 if dtype is torch.float32 else 1e-13)


def padded(columns, march, dtype):
    """Numbers of a row of results: whole panels, of two vectors each."""
    panel = 2 * {"x86-64": 16, "x86-64-v3": 32}[march] // dtype.itemsize
    return -(-columns // panel) * panel
