// Arena: a list of blocks, each with a small header in front of its bytes.
#include <algorithm>
#include <cstdint>
#include <memory>

#include <abi/core/arena.hpp>
#include <abi/core/error.hpp>

namespace abikit {
namespace {

// Blocks begin on a cache line, so most aligned requests need no padding.
constexpr std::size_t kBlockAlignment = 64;
constexpr std::size_t kSmallestBlock = 1024;

}  // namespace

struct alignas(kBlockAlignment) Arena::Block {
    Block* older;
    std::size_t size;  // of the bytes behind the header
    std::byte* bytes() noexcept { return reinterpret_cast<std::byte*>(this) + sizeof(Block); }
};

Arena::Arena(std::size_t first_block_bytes, std::pmr::memory_resource* upstream) noexcept
    : upstream_(upstream), next_block_bytes_(std::max(first_block_bytes, kSmallestBlock)) {}

Arena::~Arena() {
    while (current_ != nullptr) {
        Block* const block = current_;
        current_ = block->older;
        free_block(block);
    }
}

void* Arena::do_allocate(std::size_t bytes, std::size_t alignment) {
    ABI_ASSERT(alignment != 0 && (alignment & (alignment - 1)) == 0);
    for (;;) {
        if (current_ != nullptr) {
            void* place = current_->bytes() + offset_;
            std::size_t space = current_->size - offset_;
            if (std::align(alignment, bytes, place, space) != nullptr) {
                offset_ = current_->size - space + bytes;
                return place;
            }
        }
        if (bytes > std::numeric_limits<std::size_t>::max() / 4 ||
            alignment > std::numeric_limits<std::size_t>::max() / 4) {
            throw std::bad_alloc();
        }
        add_block(bytes + (alignment > kBlockAlignment ? alignment : 0));
    }
}

void Arena::add_block(std::size_t at_least) {
    const std::size_t size = std::max(next_block_bytes_, at_least);
    void* const memory = upstream_->allocate(sizeof(Block) + size, kBlockAlignment);
    used_before_ += offset_;
    current_ = ::new (memory) Block{current_, size};
    offset_ = 0;
    capacity_ += size;
    if (size <= std::numeric_limits<std::size_t>::max() / 8) {
        next_block_bytes_ = size * 2;
    }
}

void Arena::free_block(Block* block) noexcept {
    capacity_ -= block->size;
    upstream_->deallocate(block, sizeof(Block) + block->size, kBlockAlignment);
}

void Arena::reset() noexcept {
    // Blocks only grow, so the newest is the largest.
    if (current_ != nullptr) {
        while (Block* const block = current_->older) {
            current_->older = block->older;
            free_block(block);
        }
    }
    offset_ = 0;
    used_before_ = 0;
}

}  // namespace abikit
