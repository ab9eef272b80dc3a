/* Products of a few rows with a matrix that is read as it lies in memory.
 *
 * In one step of a few sequences a matrix is read once, and to pack it would cost several times
 * as much; a packed copy that is kept would be wrong as soon as someone wrote to the matrix.
 */
#include <stdlib.h>
#if defined(__AVX512F__)
#include <immintrin.h>
enum { SUMS = 16 };
#else
enum { SUMS = 8 };
#endif
/* SUMS: what `dots` adds up side by side; it must be a multiple of LANES. */
enum { AT_ONCE = SUMS / 2 }; /* rows of a matrix that `add_rows` holds in registers, twice */

/* Where the n-th of several slices of columns begins, of vectors as equally many as can be. */
static inline integer slice(integer columns, integer n, integer slices)
{
    return least(columns, (columns + LANES - 1) / LANES * n / slices * LANES);
}

/* Columns [first, last) of all rows of a result are those of one row, or 0. */
static void begin(
    integer rows, integer first, integer last, const REAL *row, REAL *result, integer result_row)
{
    for (integer r = 0; r < rows; r++, result += result_row) {
        for (integer j = first; j < last; j++) result[j] = row ? row[j] : 0;
        for (integer j = last; j % LANES; j++) result[j] = 0; /* what a vector reads beyond */
    }
}

/* `count` numbers, then zeros: what lies beyond is not read. */
static inline vector partial(const REAL *numbers, integer count)
{
#if defined(__AVX512F__) && SINGLE
    return (vector)_mm512_maskz_loadu_ps((1u << count) - 1, numbers);
#elif defined(__AVX512F__)
    return (vector)_mm512_maskz_loadu_pd((1u << count) - 1, numbers);
#else
    vector result = {0};
    for (integer i = 0; i < count; i++) result[i] = numbers[i];
    return result;
#endif
}

static inline vector whole(const REAL *numbers, integer count) { return *(const vector *)numbers; }

/* The vectors [v, v + width) of result (rows, ...) += left (rows, depth) @ matrix (depth, ...);
 * the last vector has `count` columns. */
static inline __attribute__((always_inline)) void add_rows(
    const int depth, const int width, integer rows, integer count, const REAL *left,
    integer left_row, const REAL *matrix, integer matrix_row, REAL *result, integer result_row)
{
    vector m[AT_ONCE][2];
#pragma GCC unroll 8
    for (int k = 0; k < depth; k++)
#pragma GCC unroll 2
        for (int v = 0; v < width; v++) {
            const REAL *row = matrix + k * matrix_row + v * LANES;
            m[k][v] = v + 1 < width || count == LANES ? *(const vector *)row : partial(row, count);
        }
    for (integer r = 0; r < rows; r++) {
        vector *sums = (vector *)(result + r * result_row);
        vector sum[2];
#pragma GCC unroll 2
        for (int v = 0; v < width; v++) sum[v] = sums[v];
#pragma GCC unroll 8
        for (int k = 0; k < depth; k++)
#pragma GCC unroll 2
            for (int v = 0; v < width; v++) sum[v] += left[r * left_row + k] * m[k][v];
#pragma GCC unroll 2
        for (int v = 0; v < width; v++) sums[v] = sum[v];
    }
}

/* Columns [first, last) of result (rows, ...) += left (rows, depth) @ matrix (depth, ...), where
 * `first` and the rows of the result begin a vector.
 *
 * Several rows of the matrix are read side by side: each is a stream that the processor fetches
 * ahead, and a sum is loaded and stored once for all of them. */
static void add_product(
    integer rows, integer depth, const REAL *left, integer left_row, const REAL *matrix,
    integer matrix_row, integer first, integer last, REAL *result, integer result_row)
{
#define ADD(depth, width, count)                                                                 \
    add_rows(depth, width, rows, count, left + k, left_row, matrix + k * matrix_row + c,         \
             matrix_row, result + c, result_row)
    integer k = 0;
    for (; k + AT_ONCE <= depth; k += AT_ONCE) {
        integer c = first;
        for (; c + 2 * LANES <= last; c += 2 * LANES) ADD(AT_ONCE, 2, LANES);
        for (; c < last; c += LANES) ADD(AT_ONCE, 1, least(LANES, last - c));
    }
    for (; k < depth; k++)
        for (integer c = first; c < last; c += LANES) ADD(1, 1, least(LANES, last - c));
#undef ADD
}

#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#elif SINGLE
typedef int places __attribute__((vector_size(VECTOR_BYTES)));
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (places){__VA_ARGS__})
#else
typedef long long places __attribute__((vector_size(VECTOR_BYTES)));
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (places){__VA_ARGS__})
#endif

/* The numbers of a and of b in turn, and the upper half added to the lower one. */
static inline vector fold(vector a, vector b)
{
#if VECTOR_BYTES / (SINGLE ? 4 : 8) == 16
    return SHUFFLE(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
         + SHUFFLE(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#elif VECTOR_BYTES / (SINGLE ? 4 : 8) == 8
    return SHUFFLE(a, b, 0, 8, 1, 9, 2, 10, 3, 11) + SHUFFLE(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#elif VECTOR_BYTES / (SINGLE ? 4 : 8) == 4
    return SHUFFLE(a, b, 0, 4, 1, 5) + SHUFFLE(a, b, 2, 6, 3, 7);
#else
    return SHUFFLE(a, b, 0, 2) + SHUFFLE(a, b, 1, 3);
#endif
}

/* result[r][d] += left[r] . matrix[d], for `rows` rows r and `count` rows d of the matrix;
 * SUMS / rows of them are read. */
static inline __attribute__((always_inline)) void dots(
    const int rows, integer count, integer depth, const REAL *left, integer left_row,
    const REAL *matrix, integer matrix_row, REAL *result, integer result_row)
{
    enum { MOST = SUMS };
    const int width = SUMS / rows;
    const REAL *row[MOST];
    vector sum[SUMS];
#pragma GCC unroll 16
    for (int d = 0; d < width; d++) row[d] = matrix + least(d, count - 1) * matrix_row;
#pragma GCC unroll 16
    for (int s = 0; s < SUMS; s++) sum[s] = (vector){0};
#define ADD(there, load)                                                                         \
    {                                                                                            \
        vector a[4];                                                                             \
        _Pragma("GCC unroll 4")                                                                  \
        for (int r = 0; r < rows; r++) a[r] = load(left + r * left_row + k, there);              \
        _Pragma("GCC unroll 16")                                                                 \
        for (int d = 0; d < width; d++) {                                                        \
            const vector m = load(row[d] + k, there);                                            \
            _Pragma("GCC unroll 4")                                                              \
            for (int r = 0; r < rows; r++) sum[r * width + d] += a[r] * m;                       \
        }                                                                                        \
    }
    integer k = 0;
    for (; k + LANES <= depth; k += LANES) ADD(LANES, whole)
    if (k < depth) ADD(depth - k, partial)
#undef ADD
#pragma GCC unroll 4
    for (int lanes = LANES, rest = SUMS / 2; lanes > 1; lanes /= 2, rest /= 2)
#pragma GCC unroll 8
        for (int s = 0; s < rest; s++) sum[s] = fold(sum[s], sum[s + rest]);
    vector folded[SUMS / LANES];
    for (int v = 0; v < SUMS / LANES; v++) folded[v] = sum[v];
    const REAL *totals = (const REAL *)folded;
    for (int r = 0; r < rows; r++)
        for (integer d = 0; d < least(width, count); d++) {
            const int s = r * width + d;
            result[r * result_row + d] += totals[s % (SUMS / LANES) * LANES + s / (SUMS / LANES)];
        }
}

/* Columns [first, last) of result (rows, ...) += left (rows, depth) @ matrix^T (depth, ...). */
static void add_transposed(
    integer rows, integer depth, const REAL *left, integer left_row, const REAL *matrix,
    integer matrix_row, integer first, integer last, REAL *result, integer result_row)
{
#define ADD(height)                                                                              \
    dots(height, last - c, depth, left + r * left_row, left_row, matrix + c * matrix_row,        \
         matrix_row, result + r * result_row + c, result_row)
    for (integer tile = first; tile < last; tile += SUMS) {
        for (integer r = 0; r < rows;) {
            const integer height = rows - r >= 4 ? 4 : rows - r >= 2 ? 2 : 1;
            for (integer c = tile; c < least(last, tile + SUMS); c += SUMS / height)
                if (height == 4) ADD(4);
                else if (height == 2) ADD(2);
                else ADD(1);
            r += height;
        }
    }
#undef ADD
}
