// Benchmark rows of the byte kernels.
#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include <abi/simd/bytes.hpp>
#include <abi/simd/reference_bytes.hpp>

#include "registry.hpp"

namespace abikit::suites {
namespace {

namespace reference = simd::reference;

constexpr simd::ByteSet kStructure(",\"\r\n");

struct TextData {
    std::string text;
    std::vector<std::uint64_t> masks;
    std::vector<std::uint32_t> offsets;
    std::uint64_t result = 0;  // keeps what is computed alive
};

// Words of lower-case letters in lines of some 60 bytes, like the text that is scanned.
std::string english(std::size_t size) {
    std::mt19937 random(42);
    std::string text;
    text.reserve(size);
    while (text.size() < size) {
        const auto draw = random();
        text.push_back(draw % 64 == 0  ? '\n'
                       : draw % 6 == 0 ? ' '
                                       : static_cast<char>('a' + (draw >> 8U) % 26));
    }
    return text;
}

// Half of the characters take two bytes, a tenth three, a few four.
std::string mixed_utf8(std::size_t size) {
    std::mt19937 random(42);
    std::string text;
    text.reserve(size);
    while (text.size() + 4 <= size) {
        const auto draw = random() % 20;
        text += draw < 8    ? "e"
                : draw < 17 ? "\xD0\xB6"
                : draw < 19 ? "\xE4\xB8\xAD"
                            : "\xF0\x9F\x98\x80";
    }
    text.resize(size, ' ');
    return text;
}

using Body = void (*)(TextData&);
using MakeText = std::string (*)(std::size_t);

struct Kernel {
    const char* name;
    MakeText make_text;
    Body run;
    Body run_scalar;
};

constexpr std::string_view kNeedle = "vector database";

constexpr Kernel kKernels[] = {
    {"count_byte", english, [](TextData& d) { d.result += simd::count_byte(d.text, '\n'); },
     [](TextData& d) { d.result += reference::count_byte(d.text, '\n'); }},
    {"find_in", english,
     [](TextData& d) { d.result += simd::find_in(d.text, simd::ByteSet("{}")); },
     [](TextData& d) { d.result += reference::find_in(d.text, simd::ByteSet("{}")); }},
    {"count_in", english, [](TextData& d) { d.result += simd::count_in(d.text, kStructure); },
     [](TextData& d) { d.result += reference::count_in(d.text, kStructure); }},
    {"mark_in", english, [](TextData& d) { simd::mark_in(d.text, kStructure, d.masks.data()); },
     [](TextData& d) { reference::mark_in(d.text, kStructure, d.masks.data()); }},
    {"offsets_in", english,
     [](TextData& d) { d.result += simd::offsets_in(d.text, kStructure, d.offsets.data()); },
     [](TextData& d) { d.result += reference::offsets_in(d.text, kStructure, d.offsets.data()); }},
    {"find_substring", english,
     [](TextData& d) { d.result += simd::find_substring(d.text, kNeedle); },
     [](TextData& d) { d.result += reference::find_substring(d.text, kNeedle); }},
    {"valid_utf8_prefix/ascii", english,
     [](TextData& d) { d.result += simd::valid_utf8_prefix(d.text); },
     [](TextData& d) { d.result += reference::valid_utf8_prefix(d.text); }},
    {"valid_utf8_prefix/mixed", mixed_utf8,
     [](TextData& d) { d.result += simd::valid_utf8_prefix(d.text); },
     [](TextData& d) { d.result += reference::valid_utf8_prefix(d.text); }},
    {"hash_bytes", english, [](TextData& d) { d.result += simd::hash_bytes(d.text, d.result); },
     [](TextData& d) { d.result += reference::hash_bytes(d.text, d.result); }},
};

PreparedBenchmark prepare(const Kernel& kernel, std::size_t size) {
    auto data = std::make_shared<TextData>();
    data->text = kernel.make_text(size);
    data->masks.resize((size + 63) / 64);
    data->offsets.resize(size);
    return {.run = [data, run = kernel.run] { run(*data); },
            .run_scalar = [data, run = kernel.run_scalar] { run(*data); },
            .bytes = static_cast<double>(size),
            .limits = {Peak::kRead},
            .working_set_bytes = size};
}

}  // namespace

void add_bytes_benchmarks(std::vector<KernelBenchmark>& rows) {
    for (const Kernel& kernel : kKernels) {
        for (const std::size_t size : {std::size_t{64}, std::size_t{4096}, std::size_t{256} << 10,
                                       std::size_t{10'000'000}}) {
            rows.push_back(
                {.name = kernel.name,
                 .group = "bytes",
                 .parameters = {{"bytes", size}},
                 .prepare = [&kernel, size](ThreadPool*) { return prepare(kernel, size); }});
        }
    }
    for (const std::size_t size : {8, 32}) {
        rows.push_back({.name = "hash_bytes",
                        .group = "bytes",
                        .parameters = {{"bytes", size}},
                        .prepare = [size](ThreadPool*) {
                            return prepare(kKernels[std::size(kKernels) - 1], size);
                        }});
    }
}

}  // namespace abikit::suites
