// Loops that are unrolled before anything else is decided. Included inside the namespace of each
// instruction set, which needs <type_traits> and <utility>; no guard, on purpose.

// body(0), body(1), ... with constants for arguments, so that arrays of sums become registers
// before the compiler looks at loops.
template <class Body, std::size_t... kIndices>
HWY_INLINE void repeat_indices(std::index_sequence<kIndices...>, const Body& body) {
    (body(std::integral_constant<std::size_t, kIndices>()), ...);
}
template <std::size_t kCount, class Body>
HWY_INLINE void repeat(const Body& body) {
    repeat_indices(std::make_index_sequence<kCount>(), body);
}
