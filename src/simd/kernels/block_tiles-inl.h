// Which tile computes how much of a block of packed columns: shared by the int8 and the bfloat16
// products. Included inside the namespace of each instruction set after tile(), tile_panels(),
// TileOfA, Out and advance(), which it calls; no guard, on purpose.

template <std::size_t kTileR>
HWY_INLINE void tile_of_rows(std::size_t panels, const TileOfA& a, const std::byte* b,
                             std::size_t b_stride, std::size_t groups, const Out& out) {
    constexpr std::size_t kMost = tile_panels(kTileR);
    if constexpr (kMost >= 4) {
        if (panels == 4) {
            return tile<kTileR, 4>(a, b, b_stride, groups, out);
        }
        if (panels == 3) {
            return tile<kTileR, 3>(a, b, b_stride, groups, out);
        }
    }
    if constexpr (kMost >= 2) {
        if (panels == 2) {
            return tile<kTileR, 2>(a, b, b_stride, groups, out);
        }
    }
    tile<kTileR, 1>(a, b, b_stride, groups, out);
}

// The tile of `rows` rows, at most kTileR.
template <std::size_t kTileR>
HWY_INLINE void tile_of(std::size_t rows, std::size_t panels, const TileOfA& a, const std::byte* b,
                        std::size_t b_stride, std::size_t groups, const Out& out) {
    if constexpr (kTileR > 1) {
        if (rows < kTileR) {
            return tile_of<kTileR - 1>(rows, panels, a, b, b_stride, groups, out);
        }
    }
    tile_of_rows<kTileR>(panels, a, b, b_stride, groups, out);
}

// One block of columns, in as many tiles as its panels need.
HWY_INLINE void block_of_rows(std::size_t rows, const TileOfA& a, const std::byte* b,
                              std::size_t panels, std::size_t groups, Out out) {
    const std::size_t stride = panels * kPanelGroupBytes;
    const std::size_t most = tile_panels(rows);
    for (std::size_t p = 0; p < panels; p += most) {
        const std::size_t count = std::min(most, panels - p);
        tile_of<kTileRows>(rows, count, a, b, stride, groups, out);
        b += count * kPanelGroupBytes;
        advance(out, count * kPanel);
    }
}
