"""The hand-written part of every Triton program: what generated code calls.

Shapes: ROWS sequences of a block, P hidden units, which are H padded to a power of two.
"""

import triton
import triton.language as tl


@triton.jit
def expm1(x):
    """exp(x) - 1; near zero by Kahan's way, in which the rounding errors of exp cancel."""
    e = tl.exp(x)
    divisor = tl.where(e == 1, 1, tl.log(e))
    near = tl.where(e == 1, x, (e - 1) * x / divisor)
    return tl.where(tl.abs(x) < 1, near, e - 1)


@triton.jit
def log1p(x):
    """log(1 + x); near zero by Kahan's way."""
    y = 1 + x
    divisor = tl.where(y == 1, 1, y - 1)
    near = tl.where(y == 1, x, tl.log(y) * x / divisor)
    return tl.where(tl.abs(x) < 1, near, tl.log(y))


@triton.jit
def tanh(x):
    """The hyperbolic tangent, to full relative precision, with no overflow."""
    m = expm1(-2 * tl.abs(x))
    t = m / (m + 2)
    return tl.where(x < 0, t, -t)


@triton.jit
def sign(x):
    """1, 0 or -1; 0 for NaN and for both zeros, as PyTorch has it."""
    return tl.where(x > 0, 1.0, tl.where(x < 0, -1.0, 0.0))


@triton.jit
def relu(x):
    """A value where it is not negative, else 0; NaN and -0 stay."""
    return tl.where(x < 0, 0.0, x)


@triton.jit
def maximum(a, b):
    """The larger of two; NaN if one is."""
    return tl.where((a > b) | (a != a), a, b)


@triton.jit
def minimum(a, b):
    """The smaller of two; NaN if one is."""
    return tl.where((a < b) | (a != a), a, b)


@triton.jit
def row_max(x, inside):
    """The largest of a row; NaN if one is, which the language would pass over."""
    none = tl.sum(tl.where(inside & (x != x), 1, 0), axis=1, keep_dims=True) == 0
    largest = tl.max(tl.where(inside, x, float("-inf")), axis=1, keep_dims=True)
    return tl.where(none, largest, float("nan"))


@triton.jit
def row_min(x, inside):
    """The smallest of a row; NaN if one is."""
    none = tl.sum(tl.where(inside & (x != x), 1, 0), axis=1, keep_dims=True) == 0
    smallest = tl.min(tl.where(inside, x, float("inf")), axis=1, keep_dims=True)
    return tl.where(none, smallest, float("nan"))


# The two ways of a product are separated by `if` and `else`: Triton compiles what follows an
# early return, even where the condition is a constant.


@triton.jit
def resident(matrix, columns, H: tl.constexpr, P: tl.constexpr, RESIDENT: tl.constexpr):
    """A matrix as `product` wants it: loaded, (P, P), or still in memory."""
    if RESIDENT:
        inner = tl.arange(0, P)
        inside = (inner < H)[:, None] & (columns < H)[None, :]
        ready = tl.load(matrix + inner[:, None] * H + columns[None, :], mask=inside, other=0.0)
    else:
        ready = matrix
    return ready


@triton.jit
def left_operand(value, scratch, at, inside, RESIDENT: tl.constexpr):
    """A left operand as `product` wants it: in registers, or in memory for all to read."""
    if RESIDENT:
        # What lies beyond H may be infinite, which times zero is NaN.
        ready = tl.where(inside, value, 0.0)
    else:
        tl.store(scratch + at, value, mask=inside)
        tl.debug_barrier()
        ready = scratch
    return ready


@triton.jit
def product(
    left,
    matrix,
    start,
    rows,
    columns,
    B,
    H: tl.constexpr,
    REAL: tl.constexpr,
    TILE: tl.constexpr,
    RESIDENT: tl.constexpr,
):
    """The product on top of `start`, (ROWS, P); from memory, TILE rows of the matrix at a time."""
    total = start
    if RESIDENT:
        total = tl.dot(left, matrix, acc=total, input_precision="ieee", out_dtype=REAL)
    else:
        for k in range(0, H, TILE):
            inner = k + tl.arange(0, TILE)
            a = tl.load(
                left + rows[:, None] * H + inner[None, :],
                mask=(rows < B)[:, None] & (inner < H)[None, :],
                other=0.0,
            )
            b = tl.load(
                matrix + inner[:, None] * H + columns[None, :],
                mask=(inner < H)[:, None] & (columns < H)[None, :],
                other=0.0,
            )
            total = tl.dot(a, b, acc=total, input_precision="ieee", out_dtype=REAL)
    return total
