"""Peak rate of this machine's cores in multiply-adds in single precision."""

import ctypes
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rnn_core.compiler.cpu.build import FLAGS, find_compiler

SOURCE = r"""
#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif
typedef float vector __attribute__((vector_size(BYTES)));
enum { SUMS = 12, LANES = BYTES / 4 };
long long multiply_adds(long long steps, float *out)
{
    vector sum[SUMS], a, b;
    for (int i = 0; i < LANES; i++) a[i] = out[i], b[i] = out[LANES + i];
    for (int s = 0; s < SUMS; s++) sum[s] = a * (float)s;
    for (long long k = 0; k < steps; k++)
#pragma GCC unroll 12
        for (int s = 0; s < SUMS; s++) sum[s] = sum[s] * a + b;
    for (int s = 0; s < SUMS; s++)
        for (int i = 0; i < LANES; i++) out[i] += sum[s][i];
    return steps * SUMS * LANES;
}
"""
STEPS = 20_000_000
REPEATS = 3


def peak_per_second(threads: int) -> float:
    """Multiply-adds a second of all threads together: the best of a few repeats."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "peak.c", Path(folder) / "peak.so"
        source.write_text(SOURCE)
        subprocess.run([*find_compiler(), *FLAGS, str(source), "-o", str(target)], check=True)
        function = ctypes.CDLL(str(target)).multiply_adds
    function.argtypes = [ctypes.c_longlong, ctypes.POINTER(ctypes.c_float)]
    function.restype = ctypes.c_longlong
    return max(one_repeat(function, threads) for _ in range(REPEATS))


def one_repeat(function, threads: int) -> float:
    """Multiply-adds a second, all threads at the same time."""
    outs = [(ctypes.c_float * 64)(*[0.5] * 64) for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        start = time.perf_counter()
        done = sum(pool.map(lambda out: function(STEPS, out), outs))
        return done / (time.perf_counter() - start)
