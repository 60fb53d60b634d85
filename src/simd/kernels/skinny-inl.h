// What both kernels of skinny products know about the vectors of a target. A body like
// repeat-inl.h, for inclusion inside the namespace of one target.

using Floats = hn::ScalableTag<float>;
using Vec = hn::Vec<Floats>;

constexpr std::size_t kLanes = hn::MaxLanes(Floats());
#if HWY_CAP_GE512 || HWY_ARCH_ARM_A64
constexpr bool kManyRegisters = true;  // 32 vector registers, else 16
#else
constexpr bool kManyRegisters = false;
#endif
