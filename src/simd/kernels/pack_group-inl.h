// One group of depth of one panel on its way into the packed form, shared by the int8 and the
// bfloat16 products. Included inside the namespace of each instruction set after interleave(),
// PackTask and Packed, the type of an element; no guard, on purpose.

// Wherever the values of the group are; what B does not have is zero.
HWY_INLINE void gather(const PackTask& task, std::size_t k, std::size_t column, Packed* to) {
    constexpr std::size_t kValues = kPanel * kGroup;
    const std::size_t depth = std::min(kGroup, task.depth - k);
    const std::size_t columns = std::min(kPanel, task.columns - column);
    const Packed* from = task.b + k * task.row_stride + column * task.column_stride;
    if (depth == kGroup && columns == kPanel && task.column_stride == 1) {
        interleave(from, task.row_stride, to);
        return;
    }
    if (depth == kGroup && task.row_stride == 1) {
        for (std::size_t j = 0; j < columns; ++j) {
            std::memcpy(to + j * kGroup, from + j * task.column_stride, kGroup * sizeof(Packed));
        }
        std::fill(to + columns * kGroup, to + kValues, Packed{0});
        return;
    }
    std::fill_n(to, kValues, Packed{0});
    for (std::size_t j = 0; j < columns; ++j) {
        for (std::size_t i = 0; i < depth; ++i) {
            to[j * kGroup + i] = from[i * task.row_stride + j * task.column_stride];
        }
    }
}
