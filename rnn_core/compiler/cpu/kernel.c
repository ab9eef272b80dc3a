/* What every generated kernel rests on: small vectors, one micro-kernel for matrix products
 * with a packed right operand, the sum of outer products behind the gradients of weights, and
 * elementary functions that a compiler can vectorise.
 *
 * A panel holds PANEL columns of a matrix, row after row, so that the micro-kernel streams it:
 * it keeps a tile of ROWS x PANEL results in registers and adds one row of the panel, times one
 * number of each left row, per step. Panels end in zeros where the columns end.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>
#ifdef _OPENMP
extern int omp_get_thread_num(void);
#else
static int omp_get_thread_num(void) { return 0; }
#endif

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
typedef REAL vector __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));
enum { LANES = VECTOR_BYTES / sizeof(REAL), VECTORS = 2, PANEL = LANES * VECTORS };
/* The sums of a tile must outnumber what the units for multiply-adds have in flight (two units,
 * four cycles each), and leave registers for a row of the panel and an operand: of 32 registers
 * 16 are sums, of 16 there are 12. With 8 sums this ran at half the speed. */
#if defined(__AVX512F__)
enum { ROWS = 8 };
#else
enum { ROWS = 6 };
#endif
enum { DEPTH = 256 };       /* sequences x steps that one pass of `outer` sums */
enum { CACHED = 1 << 18 };  /* numbers that stay in a core's cache */

typedef long long integer;

static inline integer padded(integer n) { return (n + PANEL - 1) / PANEL * PANEL; }
static inline integer least(integer a, integer b) { return a < b ? a : b; }

/* sum[r] += sum_k left[r * left_row + k * left_step] * panel[k] */
static inline __attribute__((always_inline)) void accumulate(
    const int rows, vector sum[ROWS][VECTORS], integer depth, const REAL *left, integer left_row,
    integer left_step, const REAL *panel)
{
    for (integer k = 0; k < depth; k++) {
        const vector *b = (const vector *)(panel + k * PANEL);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            const REAL a = left[r * left_row + k * left_step];
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; v++)
                sum[r][v] += a * b[v];
        }
    }
}

/* A left operand, whose elements lie `row` and `step` apart, and panels of the right one. */
typedef struct {
    integer depth;
    const REAL *left;
    integer row, step;
    const REAL *panels;
} factors;

/* result[r] = start[r] + one product + another product. A depth of 0 makes none. */
static inline __attribute__((always_inline)) void tile(
    const int rows, factors one, factors other, const REAL *start, integer start_row,
    REAL *result, integer result_row)
{
    vector sum[ROWS][VECTORS];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++)
            sum[r][v] = *(const vector *)(start + r * start_row + v * LANES);
    accumulate(rows, sum, one.depth, one.left, one.row, one.step, one.panels);
    accumulate(rows, sum, other.depth, other.left, other.row, other.step, other.panels);
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++)
            *(vector *)(result + r * result_row + v * LANES) = sum[r][v];
}

#define CASE(n)                                                                                  \
    case n:                                                                                      \
        tile(n, one, other, start, start_row, result, result_row);                               \
        break;

static inline __attribute__((always_inline)) void tiles(
    int rows, factors one, factors other, const REAL *start, integer start_row, REAL *result,
    integer result_row)
{
    switch (rows) {
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#if defined(__AVX512F__)
        CASE(7) CASE(8)
#endif
    }
}

/* result (rows, columns) = start + left (rows, depth) @ the matrix behind the panels, and the
 * same of a second left operand and matrix: what one tile sums need not go through memory.
 * A start_row of 0 starts every row alike. The rows are shared out among the tiles as evenly as
 * can be: a last tile of few rows would wait for its own sums. */
static void products(
    integer rows, integer columns, factors one, factors other, const REAL *start,
    integer start_row, REAL *result, integer result_row)
{
    for (integer c = 0; c < columns; c += PANEL) {
        integer tiles_left = (rows + ROWS - 1) / ROWS;
        factors here = one, there = other;
        for (integer r = 0, height; r < rows; r += height, tiles_left--) {
            height = (rows - r + tiles_left - 1) / tiles_left;
            here.left = one.left + r * one.row;
            there.left = other.left + r * other.row;
            tiles(height, here, there, start + r * start_row + c, start_row,
                  result + r * result_row + c, result_row);
        }
        one.panels += one.depth * PANEL;
        other.panels += other.depth * PANEL;
    }
}

/* The same of a single left operand. */
static void product(
    integer rows, integer depth, integer columns, const REAL *left, integer left_row,
    const REAL *panels, const REAL *start, integer start_row, REAL *result, integer result_row)
{
    const factors one = {depth, left, left_row, 1, panels}, none = {0, left, 0, 0, panels};
    products(rows, columns, one, none, start, start_row, result, result_row);
}

/* Pack a matrix (depth, columns), whose elements lie `row` and `column` apart, into panels; all
 * threads of a region take their share. */
static REAL *pack(
    REAL *panels, const REAL *matrix, integer depth, integer columns, integer row, integer column)
{
#pragma omp for schedule(static) nowait
    for (integer c = 0; c < columns; c += PANEL) {
        const integer width = least(PANEL, columns - c);
        REAL *packed = panels + c * depth;
        for (integer k = 0; k < depth; k++, packed += PANEL) {
            const REAL *source = matrix + k * row + c * column;
            for (integer j = 0; j < width; j++) packed[j] = source[j * column];
            for (integer j = width; j < PANEL; j++) packed[j] = 0;
        }
    }
    return panels + depth * padded(columns);
}

/* Steps that the backward pass takes before it adds their share to the gradients of weights, of
 * `count` values a step and hidden unit: as many as stay in cache, and enough to be worth it. */
static integer steps_together(integer T, integer B, integer H, integer count)
{
    const integer rows = CACHED / (count * H > 0 ? count * H : 1);
    const integer steps = (rows > DEPTH ? rows : DEPTH) / B;
    return steps < 1 ? 1 : least(steps, T);
}

/* Rows (t, b) of an operand of `outer`, from step `since` on. A state is read one step back,
 * `first` before the start. */
typedef struct {
    const REAL *rows, *first;
    integer step, sequence, columns, since;
} operand;

/* The term left^T right of a gradient; sums to `result`, (left columns, padded right columns). */
typedef struct {
    int left, right;
    REAL *result;
} term;

/* Row (t, 0) of an operand. */
static const REAL *rows_of_step(const operand *o, integer t, integer T, integer reverse)
{
    if (!o->first) return o->rows + (t - o->since) * o->step;
    if (t == (reverse ? T - 1 : 0)) return o->first;
    return o->rows + (reverse ? t + 1 : t - 1) * o->step;
}

/* Columns [c, c + width) of rows [k, k + depth) of an operand, side by side, zeros beyond. */
static inline __attribute__((always_inline)) void gather(
    REAL *packed, const operand *o, integer c, const int width, integer k, integer depth,
    integer T, integer B, integer reverse)
{
    const integer there = least(width, o->columns - c);
    integer t = k / B, b = k % B;
    while (depth > 0) {
        const integer stride = o->first && t == (reverse ? T - 1 : 0) ? o->columns : o->sequence;
        const REAL *source = rows_of_step(o, t, T, reverse) + b * stride + c;
        const integer count = least(B - b, depth);
        for (integer i = 0; i < count; i++, packed += width, source += stride) {
            if (there == width) {
                memcpy(packed, source, sizeof(REAL) * width);
                continue;
            }
            for (integer j = 0; j < there; j++) packed[j] = source[j];
            for (integer j = there; j < width; j++) packed[j] = 0;
        }
        depth -= count;
        b = 0;
        t++;
    }
}

static integer left_size(const operand *o) { return (o->columns + ROWS - 1) / ROWS * ROWS * DEPTH; }

static integer outer_workspace(const operand *lefts, int num_lefts, integer threads)
{
    integer size = threads * DEPTH * PANEL;
    for (int l = 0; l < num_lefts; l++) size += left_size(lefts + l);
    return size;
}

/* Add all terms of steps [start, end) to their results; all threads of a region call it. Every
 * result is summed by one thread in one order, whatever the number of threads. */
static void outer(
    const operand *lefts, int num_lefts, const operand *rights, int num_rights, const term *terms,
    int num_terms, integer start, integer end, integer T, integer B, integer reverse,
    REAL *workspace)
{
    REAL *packed[num_lefts > 0 ? num_lefts : 1];
    integer most_panels = 0, most_blocks = 0;
    for (int r = 0; r < num_rights; r++)
        if (padded(rights[r].columns) / PANEL > most_panels)
            most_panels = padded(rights[r].columns) / PANEL;
    for (int l = 0; l < num_lefts; l++) {
        packed[l] = workspace;
        workspace += left_size(lefts + l);
        if ((lefts[l].columns + ROWS - 1) / ROWS > most_blocks)
            most_blocks = (lefts[l].columns + ROWS - 1) / ROWS;
    }
    REAL *panel = workspace + omp_get_thread_num() * DEPTH * PANEL;
    integer passes = ((end - start) * B + DEPTH - 1) / DEPTH;
    for (integer k = start * B, depth; k < end * B; k += depth, passes--) {
        depth = (end * B - k + passes - 1) / passes;
#pragma omp for schedule(static)
        for (integer i = 0; i < num_lefts * most_blocks; i++) {
            const operand *o = lefts + i / most_blocks;
            const integer c = i % most_blocks * ROWS;
            if (c < o->columns)
                gather(packed[i / most_blocks] + c * DEPTH, o, c, ROWS, k, depth, T, B, reverse);
        }
#pragma omp for schedule(static)
        for (integer i = 0; i < num_rights * most_panels; i++) {
            const int r = i / most_panels;
            const integer c = i % most_panels * PANEL, width = padded(rights[r].columns);
            if (c >= rights[r].columns) continue;
            gather(panel, rights + r, c, PANEL, k, depth, T, B, reverse);
            for (int n = 0; n < num_terms; n++) {
                if (terms[n].right != r) continue;
                const integer rows = lefts[terms[n].left].columns;
                for (integer m = 0; m < rows; m += ROWS) {
                    REAL *result = terms[n].result + m * width + c;
                    const REAL *left = packed[terms[n].left] + m * DEPTH;
                    const factors one = {depth, left, 1, ROWS, panel}, none = {0, left, 0, 0, panel};
                    tiles(least(ROWS, rows - m), one, none, result, width, result, width);
                }
            }
        }
    }
}

/* Elementary functions. In double precision those of libm; in single precision ones without
 * branches or tables, so that loops over them become vector code. */
#if SINGLE
static inline float power_of_two(int n)
{
    const int bits = (n + 127) << 23;
    float power;
    memcpy(&power, &bits, 4);
    return power;
}
/* A number not beyond two bounds; NaN stays. Written so that it is a minimum and a maximum to the
 * processor; as a choice of three it was compares and masks. */
static inline float within(float low, float x, float high)
{
    const float bounded = high < x ? high : x;
    return low > bounded ? low : bounded;
}
/* e^x = 2^n e^r with |r| <= ln(2) / 2; e^r by a polynomial fitted for the least relative error
 * (4e-9 before rounding), whose terms need not wait for each other. */
static inline float reduced_exp(float x, int *n)
{
    const float whole = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
    const float r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    const float square = r * r;
    const float low = 0.49999994f + 0.16666521f * r;
    const float high = (0.04166839f + 0.008368745f * r) + 0.0013814539f * square;
    *n = (int)whole;
    return 1 + (r + square * (low + square * high));
}
static inline float exp_(float x)
{
    int n;
    const float p = reduced_exp(within(-104, x, 89), &n);
    const int half = n / 2; /* in two steps, so that results below 2^-126 come out right */
    return p * power_of_two(half) * power_of_two(n - half);
}
static inline float sigmoid_(float x)
{
    int n;
    const float p = reduced_exp(within(-87, -x, 89), &n);
    /* In two steps, so that it overflows where torch's does, and the result is 0 there. */
    return 1 / (1 + (p + p) * power_of_two(n - 1));
}
static inline float tanh_(float x)
{
    /* x P(x^2) / Q(x^2), fitted for the least relative error (2.1e-8 before rounding) on
     * [-9.01, 9.01], beyond which tanh is 1 in single precision: there x / 9.01 is bounded. */
    const float square = x * x, s = square > 81.1801f ? 81.1801f : square;
    float p = 1.33369595e-8f;
    p = p * s + 2.05963647e-5f;
    p = p * s + 3.49481698e-3f;
    p = p * s + 1.33803767e-1f;
    p = p * s + 0.99999998f;
    float q = 7.76933172e-7f;
    q = q * s + 3.28437239e-4f;
    q = q * s + 2.58740497e-2f;
    q = q * s + 4.67136921e-1f;
    q = q * s + 1;
    return within(-1, x * p / q, 1);
}
static inline float log1p_(float x)
{
    /* log(1 + x) = k log(2) + log(1 + f) + what 1 + x lost in rounding, with 1 + f between
     * sqrt(1/2) and sqrt(2); with s = f / (2 + f), log(1 + f) = f - f^2 / 2 + s (f^2 / 2 + R),
     * R a polynomial in s^2. The polynomial is fdlibm's, e_logf.c; so is the split of log(2). */
    union { float real; int32_t bits; } sum = {1 + x}, part;
    const int32_t shifted = sum.bits + (0x3f800000 - 0x3f3504f3);
    const int32_t k = (shifted >> 23) - 127;
    part.bits = (shifted & 0x007fffff) + 0x3f3504f3;
    const float f = part.real - 1, s = f / (2 + f), z = s * s, w = z * z, half = 0.5f * f * f;
    const float odd = z * (0.66666662693f + w * 0.28498786688f);
    const float even = w * (0.40000972152f + w * 0.24279078841f);
    const float lost = sum.real >= 2 ? 1 - (sum.real - x) : x - (sum.real - 1);
    const float low = s * (half + odd + even) + (lost / sum.real + k * 9.0580006145e-6f);
    const float result = (low - half) + f + k * 0.69313812256f;
    /* What has no logarithm, an infinite one, or is too small to add to 1. */
    const float beyond = x > -1 ? x : x == -1 ? -INFINITY : NAN;
    return fabsf(x) > 1e-8f && x > -1 && x < INFINITY ? result : beyond;
}
#define log_ logf
#define expm1_ expm1f
#define sqrt_ sqrtf
#define pow_ powf
#define sin_ sinf
#define cos_ cosf
#define erf_ erff
#define abs_ fabsf
#else
#define exp_ exp
#define tanh_ tanh
static inline double sigmoid_(double x) { return 1 / (1 + exp(-x)); }
#define log_ log
#define log1p_ log1p
#define expm1_ expm1
#define sqrt_ sqrt
#define pow_ pow
#define sin_ sin
#define cos_ cos
#define erf_ erf
#define abs_ fabs
#endif
static inline REAL maximum_(REAL a, REAL b) { return a > b || a != a ? a : b; }
static inline REAL minimum_(REAL a, REAL b) { return a < b || a != a ? a : b; }
static inline REAL relu_(REAL a) { return a < 0 ? 0 : a; }
static inline REAL sign_(REAL a) { return (REAL)((a > 0) - (a < 0)); }
