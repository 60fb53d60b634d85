// The border of the float32 products: checks what the caller says, sends narrow products to
// skinny.cpp, and cuts the others into tasks for the threads. Read abi/simd/gemm.hpp for the
// contract, kernels/gemm_f32.cpp for what a task does.
#include <abi/simd/gemm.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "epilogue.hpp"
#include "gemm_f32_kernels.hpp"
#include "matrix_checks.hpp"
#include "skinny.hpp"
#include "tasks.hpp"

namespace abikit::simd {
namespace {

struct Shape {
    std::size_t m = 0, k = 0, n = 0;
};

bool is_packed(const Gemm& p) noexcept {
    return !p.packed_b.bytes.empty() || p.packed_b.k != 0 || p.packed_b.n != 0;
}

Shape shape_of(const Gemm& p) noexcept {
    return {.m = p.c.rows, .k = effective_columns(p.a, p.transpose_a), .n = p.c.columns};
}

// Whether skinny.cpp computes it. A function of the shape and of what the caller packed.
bool is_skinny(const Gemm& p) noexcept {
    const Shape s = shape_of(p);
    return !is_packed(p) && std::min(s.m, s.n) <= skinny::kMaxColumns;
}

// The wider side of C gives the rows of the big matrix.
skinny::Problem skinny_problem(const Gemm& p) noexcept {
    const Shape s = shape_of(p);
    const bool plain_a = p.transpose_a == Transpose::kNo;
    const bool plain_b = p.transpose_b == Transpose::kNo;
    skinny::Problem out{.depth = s.k, .alpha = p.alpha, .beta = p.beta};
    out.y = p.c.values.data();
    if (s.n <= s.m) {
        out.rows = s.m;
        out.columns = s.n;
        out.w = p.a.values.data();
        out.ldw = p.a.stride;
        out.storage = plain_a ? skinny::Storage::kRows : skinny::Storage::kColumns;
        out.x = p.b.values.data();
        out.x_row_stride = plain_b ? p.b.stride : 1;
        out.x_column_stride = plain_b ? 1 : p.b.stride;
        out.y_row_stride = p.c.stride;
        out.y_column_stride = 1;
        return out;
    }
    out.rows = s.n;
    out.columns = s.m;
    out.w = p.b.values.data();
    out.ldw = p.b.stride;
    out.storage = plain_b ? skinny::Storage::kColumns : skinny::Storage::kRows;
    out.x = p.a.values.data();
    out.x_row_stride = plain_a ? 1 : p.a.stride;
    out.x_column_stride = plain_a ? p.a.stride : 1;
    out.y_row_stride = 1;
    out.y_column_stride = p.c.stride;
    return out;
}

// Tasks of nearly equal rectangles of C. Where the borders are changes no bit of the result, so
// they may follow the threads.
struct Grid {
    std::size_t rows = 0;  // of a task; the last one has fewer
    std::size_t columns = 0;
    std::size_t row_tasks = 1;
    std::size_t column_tasks = 1;
    // The first task of a row has so many columns more, the last one fewer: the others then start
    // on the cache lines of B.
    std::size_t shift = 0;

    std::size_t tasks() const noexcept { return row_tasks * column_tasks; }
};

// Columns before the first cache line of B where all its rows start alike.
std::size_t line_shift(const Gemm& p) noexcept {
    constexpr std::size_t kLine = f32::kAlignment / sizeof(float);
    if (is_packed(p) || p.transpose_b == Transpose::kYes || p.b.stride % kLine != 0) {
        return 0;
    }
    const std::size_t beyond =
        reinterpret_cast<std::uintptr_t>(p.b.values.data()) / sizeof(float) % kLine;
    return (kLine - beyond) % kLine;
}

f32::Task task_at(const Gemm& p, const Shape& s, const Grid& grid, std::size_t index) noexcept {
    const bool plain_a = p.transpose_a == Transpose::kNo;
    const bool plain_b = p.transpose_b == Transpose::kNo;
    const std::size_t row = index % grid.row_tasks * grid.rows;
    const std::size_t number = index / grid.row_tasks;
    const std::size_t column = number == 0 ? 0 : number * grid.columns + grid.shift;
    const std::size_t end =
        number + 1 == grid.column_tasks ? s.n : (number + 1) * grid.columns + grid.shift;
    f32::Task task{.rows = std::min(grid.rows, s.m - row),
                   .depth = s.k,
                   .columns = end - column,
                   .a_row_stride = plain_a ? p.a.stride : 1,
                   .a_depth_stride = plain_a ? 1 : p.a.stride,
                   .b_depth_stride = plain_b ? p.b.stride : 1,
                   .b_column_stride = plain_b ? 1 : p.b.stride,
                   .ldc = p.c.stride,
                   .alpha = p.alpha,
                   .beta = p.beta,
                   .activation = p.activation};
    task.a = p.a.values.data() + row * task.a_row_stride;
    task.c = p.c.values.data() + row * p.c.stride + column;
    task.bias = p.bias.empty() ? nullptr : p.bias.data() + column;
    if (is_packed(p)) {
        task.panels = reinterpret_cast<const float*>(p.packed_b.bytes.data()) + column * s.k;
    } else {
        task.b = p.b.values.data() + column * task.b_column_stride;
    }
    return task;
}

// One task for all.
f32::Task whole_task(const Gemm& p, const Shape& s) noexcept {
    return task_at(p, s, {.rows = s.m, .columns = s.n}, 0);
}

Grid grid_of(const Shape& s, std::size_t row_tasks, std::size_t column_tasks) noexcept {
    constexpr std::size_t kRowStep = 4;
    constexpr std::size_t kColumnStep = 64;
    Grid grid;
    grid.rows = std::min(s.m, round_up(divide_up(s.m, row_tasks), kRowStep));
    grid.columns = std::min(s.n, round_up(divide_up(s.n, column_tasks), kColumnStep));
    grid.row_tasks = divide_up(s.m, grid.rows);
    grid.column_tasks = divide_up(s.n, grid.columns);
    return grid;
}

// About how long the threads take, in multiply-adds: a task multiplies, and copies or at least
// fetches its rows of A and its columns of B, which others may do too.
double cost_of(const Grid& grid, const Shape& s, const f32::Copies& copies,
               unsigned threads) noexcept {
    constexpr double kCopy = 20.0;  // of one element
    constexpr double kFetch = 3.0;
    constexpr double kTask = 1 << 16;
    const auto rows = static_cast<double>(grid.rows);
    const auto columns = static_cast<double>(grid.columns);
    const double element_costs =
        rows * (copies.a ? kCopy : kFetch) + columns * (copies.b ? kCopy : kFetch);
    const double task = static_cast<double>(s.k) * (rows * columns + element_costs) + kTask;
    return static_cast<double>(divide_up(grid.tasks(), threads)) * task;
}

// Takes the shift of line_shift(), or 0 for an upper bound of the number and size of tasks.
Grid make_grid(const Gemm& p, const Shape& s, std::size_t shift, unsigned threads) noexcept {
    constexpr double kLeastWork = 1 << 19;  // multiply-adds that pay for a thread
    constexpr double kLongWork = 1 << 26;   // of a thread: other programs may come between
    const double work =
        static_cast<double>(s.m) * static_cast<double>(s.k) * static_cast<double>(s.n);
    Grid best = grid_of(s, 1, 1);
    if (threads <= 1 || work < 2 * kLeastWork) {
        return best;
    }
    const bool is_long = work > kLongWork * threads;
    const std::size_t wanted = std::min<std::size_t>(std::size_t{threads} * (is_long ? 2 : 1),
                                                     static_cast<std::size_t>(work / kLeastWork));
    const f32::Copies copies = f32::copies(whole_task(p, s));
    double least = std::numeric_limits<double>::max();
    for (std::size_t row_tasks = 1; row_tasks <= wanted; ++row_tasks) {
        const Grid grid = grid_of(s, row_tasks, divide_up(wanted, row_tasks));
        const double cost = cost_of(grid, s, copies, threads);
        if (cost < least) {
            least = cost;
            best = grid;
        }
    }
    if (best.column_tasks > 1) {
        best.shift = shift;
        best.column_tasks = divide_up(std::max(s.n, shift + 1) - shift, best.columns);
    }
    return best;
}

// What one task needs at most, wherever the lines of B are: the last row of tasks may need more
// than the first, and one with more columns needs no less.
std::size_t task_floats(const Gemm& p, const Shape& s, const Grid& grid) noexcept {
    std::size_t floats = 0;
    for (const std::size_t index : {std::size_t{0}, grid.row_tasks - 1}) {
        f32::Task task = task_at(p, s, grid, index);
        task.columns = std::min(s.n, grid.columns + f32::kPanel - 1);
        floats = std::max(floats, f32::workspace_floats(task));
    }
    return round_up(floats, f32::kAlignment / sizeof(float));
}

bool has_product(const Gemm& p, const Shape& s) noexcept {
    return s.k != 0 && p.alpha != 0.0F;
}

// Pieces of the workspace, one for each thread that works at the same time.
class Pieces {
public:
    Pieces(std::byte* workspace, std::size_t floats, std::size_t count)
        : floats_(floats), count_(count), taken_(new std::atomic<bool>[count]()) {
        const auto address = reinterpret_cast<std::uintptr_t>(workspace);
        first_ = reinterpret_cast<float*>(
            workspace + (f32::kAlignment - address % f32::kAlignment) % f32::kAlignment);
    }

    // There are as many pieces as threads, so that one is always free.
    std::size_t take() noexcept {
        for (std::size_t i = 0;; i = (i + 1) % count_) {
            if (!taken_[i].exchange(true, std::memory_order_acquire)) {
                return i;
            }
        }
    }
    float* at(std::size_t i) noexcept { return first_ + i * floats_; }
    void give_back(std::size_t i) noexcept { taken_[i].store(false, std::memory_order_release); }

private:
    float* first_ = nullptr;
    std::size_t floats_;
    std::size_t count_;
    std::unique_ptr<std::atomic<bool>[]> taken_;
};

std::size_t pieces_bytes(std::size_t floats, std::size_t count) noexcept {
    return floats == 0 ? 0 : floats * sizeof(float) * count + f32::kAlignment;
}

unsigned threads_of(const ThreadPool* pool) noexcept {
    return pool == nullptr ? 1 : pool->threads();
}

// beta * C, and what follows a product, where there is none.
void run_without_product(const Gemm& p) {
    for (std::size_t r = 0; r < p.c.rows; ++r) {
        float* row = p.c.values.data() + r * p.c.stride;
        for (std::size_t i = 0; i < p.c.columns; ++i) {
            row[i] = p.beta == 0.0F ? 0.0F : p.beta * row[i];
        }
    }
}

void run_epilogue(const Gemm& p) {
    apply({.c = p.c.values.data(),
           .ldc = p.c.stride,
           .rows = p.c.rows,
           .columns = p.c.columns,
           .bias = p.bias.empty() ? nullptr : p.bias.data(),
           .activation = p.activation});
}

void run_tasks(const Gemm& p, const Shape& s, std::byte* workspace, ThreadPool* pool) {
    const Grid grid = make_grid(p, s, line_shift(p), threads_of(pool));
    const std::size_t floats = task_floats(p, s, grid);
    const std::size_t count = std::min<std::size_t>(grid.tasks(), threads_of(pool));
    Pieces pieces(workspace, floats, count);
    for_each_task(grid.tasks(), pool, [&](std::size_t index) {
        const std::size_t piece = pieces.take();
        f32::multiply(task_at(p, s, grid, index), pieces.at(piece));
        pieces.give_back(piece);
    });
}

void run(const Gemm& p, std::span<std::byte> workspace, ThreadPool* pool) {
    const Shape s = shape_of(p);
    if (s.m == 0 || s.n == 0) {
        return;
    }
    if (!has_product(p, s)) {
        run_without_product(p);
        run_epilogue(p);
    } else if (is_skinny(p)) {
        skinny::multiply(skinny_problem(p), workspace, pool);
        run_epilogue(p);
    } else {
        run_tasks(p, s, workspace.data(), pool);
    }
}

Status check_pack(std::span<const std::byte> bytes, std::size_t k, std::size_t n) {
    const std::size_t needed = packed_f32_bytes(k, n);
    if (bytes.size() < needed || (needed == 0 && k != 0 && n != 0)) {
        return fail(Code::kInvalidArgument, "packed B of " + std::to_string(k) + " x " +
                                                std::to_string(n) + " does not fit its " +
                                                std::to_string(bytes.size()) + " bytes");
    }
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(float) != 0) {
        return fail(Code::kInvalidArgument, "packed B does not start on a multiple of 4 bytes");
    }
    return {};
}

Status check(const Gemm& p) {
    ABI_CHECK(check_matrix(p.a, "A"));
    ABI_CHECK(check_matrix(p.c, "C"));
    std::size_t k = p.packed_b.k;
    std::size_t n = p.packed_b.n;
    if (is_packed(p)) {
        ABI_CHECK(check_pack(p.packed_b.bytes, k, n));
    } else {
        ABI_CHECK(check_matrix(p.b, "B"));
        k = effective_rows(p.b, p.transpose_b);
        n = effective_columns(p.b, p.transpose_b);
    }
    if (!p.bias.empty() && p.bias.size() != p.c.columns) {
        return fail(Code::kInvalidArgument, "the bias has " + std::to_string(p.bias.size()) +
                                                " values for " + std::to_string(p.c.columns) +
                                                " columns");
    }
    return check_product(effective_rows(p.a, p.transpose_a), effective_columns(p.a, p.transpose_a),
                         k, n, p.c.rows, p.c.columns);
}

// The largest piece that a product of a batch needs.
std::size_t batch_piece(std::span<const Gemm> products) noexcept {
    std::size_t bytes = 0;
    for (const Gemm& product : products) {
        bytes = std::max(bytes, gemm_workspace_bytes(product));
    }
    return round_up(bytes, f32::kAlignment);
}

// product(i) for each i below count, each on one thread with a piece of the workspace.
template <class Product>
void run_batch(std::size_t count, std::size_t piece_bytes, std::byte* workspace, ThreadPool* pool,
               const Product& product) {
    const std::size_t pieces_count = std::min<std::size_t>(count, threads_of(pool));
    Pieces pieces(workspace, piece_bytes / sizeof(float), std::max<std::size_t>(1, pieces_count));
    for_each_task(count, pool, [&](std::size_t index) {
        const std::size_t piece = pieces.take();
        auto* bytes = reinterpret_cast<std::byte*>(pieces.at(piece));
        run(product(index), {bytes, piece_bytes}, nullptr);
        pieces.give_back(piece);
    });
}

Gemm product_at(const Gemm& first, const GemmStrides& strides, std::size_t index) {
    Gemm product = first;
    product.a.values = first.a.values.subspan(index * strides.a);
    product.b.values = first.b.values.subspan(index * strides.b);
    product.c.values = first.c.values.subspan(index * strides.c);
    return product;
}

Status check_strided(const Gemm& first, const GemmStrides& strides, std::size_t count) {
    ABI_CHECK(check(first));
    if (is_packed(first)) {
        return fail(Code::kInvalidArgument, "a strided batch takes no packed B");
    }
    if (count <= 1) {
        return {};
    }
    const auto fits = [&](std::size_t stride, std::size_t size) {
        std::size_t offset = 0;
        return !__builtin_mul_overflow(stride, count - 1, &offset) && offset <= size;
    };
    if (!fits(strides.a, first.a.values.size()) || !fits(strides.b, first.b.values.size()) ||
        !fits(strides.c, first.c.values.size())) {
        return fail(Code::kInvalidArgument,
                    "the matrices of a batch of " + std::to_string(count) + " do not fit");
    }
    if (first.c.rows != 0 && first.c.columns != 0 &&
        strides.c < (first.c.rows - 1) * first.c.stride + first.c.columns) {
        return fail(Code::kInvalidArgument, "the results of a batch overlap: they are " +
                                                std::to_string(strides.c) + " elements apart");
    }
    return check(product_at(first, strides, count - 1));
}

}  // namespace

std::size_t packed_f32_bytes(std::size_t k, std::size_t n) noexcept {
    // Anything that could wrap while it is rounded up is far beyond memory.
    constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max() / 8;
    std::size_t bytes = 0;
    if (k > kMost || n > kMost ||
        __builtin_mul_overflow(round_up(n, f32::kPanel), k * sizeof(float), &bytes)) {
        return 0;
    }
    return bytes;
}

Status pack_f32(MatrixView<const float> b, Transpose transpose, std::span<std::byte> out,
                ThreadPool* pool) {
    ABI_CHECK(check_matrix(b, "B"));
    const std::size_t k = effective_rows(b, transpose);
    const std::size_t n = effective_columns(b, transpose);
    ABI_CHECK(check_pack(out, k, n));
    if (k == 0) {
        return {};
    }
    const bool plain = transpose == Transpose::kNo;
    const std::size_t column_stride = plain ? 1 : b.stride;
    auto* panels = reinterpret_cast<float*>(out.data());
    try {
        for_each_task(divide_up(n, f32::kPanel), pool, [&](std::size_t index) {
            const std::size_t column = index * f32::kPanel;
            f32::pack_panel({.b = b.values.data() + column * column_stride,
                             .depth_stride = plain ? b.stride : 1,
                             .column_stride = column_stride,
                             .depth = k,
                             .columns = std::min(f32::kPanel, n - column),
                             .out = panels + column * k});
        });
    } catch (...) {
        return fail(error_from_current_exception());
    }
    return {};
}

std::size_t gemm_workspace_bytes(const Gemm& product, unsigned threads) noexcept {
    const Shape s = shape_of(product);
    if (s.m == 0 || s.n == 0 || !has_product(product, s)) {
        return 0;
    }
    if (is_skinny(product)) {
        return skinny::workspace_bytes(skinny_problem(product));
    }
    const Grid grid = make_grid(product, s, 0, threads);
    const std::size_t count = std::min<std::size_t>(grid.tasks(), std::max(1U, threads));
    return pieces_bytes(task_floats(product, s, grid), count);
}

Status gemm(const Gemm& product, std::span<std::byte> workspace, ThreadPool* pool) {
    ABI_CHECK(check(product));
    ABI_CHECK(check_workspace(workspace, gemm_workspace_bytes(product, threads_of(pool))));
    try {
        run(product, workspace, pool);
    } catch (...) {
        return fail(error_from_current_exception());
    }
    return {};
}

std::size_t gemm_batch_workspace_bytes(std::span<const Gemm> products, unsigned threads) noexcept {
    const std::size_t count = std::min<std::size_t>(products.size(), std::max(1U, threads));
    return pieces_bytes(batch_piece(products) / sizeof(float), count);
}

Status gemm_batch(std::span<const Gemm> products, std::span<std::byte> workspace,
                  ThreadPool* pool) {
    for (const Gemm& product : products) {
        ABI_CHECK(check(product));
    }
    ABI_CHECK(check_workspace(workspace, gemm_batch_workspace_bytes(products, threads_of(pool))));
    try {
        run_batch(products.size(), batch_piece(products), workspace.data(), pool,
                  [&](std::size_t index) { return products[index]; });
    } catch (...) {
        return fail(error_from_current_exception());
    }
    return {};
}

std::size_t gemm_strided_batch_workspace_bytes(const Gemm& first, std::size_t count,
                                               unsigned threads) noexcept {
    const std::size_t pieces = std::min<std::size_t>(count, std::max(1U, threads));
    return pieces_bytes(batch_piece({&first, 1}) / sizeof(float), pieces);
}

Status gemm_strided_batch(const Gemm& first, const GemmStrides& strides, std::size_t count,
                          std::span<std::byte> workspace, ThreadPool* pool) {
    if (count == 0) {
        return {};
    }
    ABI_CHECK(check_strided(first, strides, count));
    const std::size_t needed = gemm_strided_batch_workspace_bytes(first, count, threads_of(pool));
    ABI_CHECK(check_workspace(workspace, needed));
    const std::size_t piece = batch_piece({&first, 1});
    try {
        run_batch(count, piece, workspace.data(), pool,
                  [&](std::size_t index) { return product_at(first, strides, index); });
    } catch (...) {
        return fail(error_from_current_exception());
    }
    return {};
}

}  // namespace abikit::simd
