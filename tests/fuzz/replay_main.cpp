// Runs a fuzz entry without a fuzzer: every file of the given folders, then a bounded number of
// seeded mutations of them, so that any compiler's ordinary test run exercises the parsers with
// damaged input. A violation ends the program by a signal, after a line that names the input;
// '--seed S --first N --mutations 1' then tries that mutation alone.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kMaxInputBytes = std::size_t{1} << 20;
constexpr std::uint64_t kDefaultSeed = 20240229;
constexpr std::uint64_t kDefaultMutations = 2000;

struct Options {
    std::uint64_t mutations = kDefaultMutations;
    std::uint64_t seed = kDefaultSeed;
    std::uint64_t first = 0;  // of the mutations; before it none is run, and no file either
    std::vector<std::string> folders;
};

// SplitMix64: tiny, and the same numbers on every machine, unlike the library's distributions.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31U);
    }

    // A number in [0, bound); 0 when the bound is 0.
    std::size_t below(std::size_t bound) {
        return bound == 0 ? 0 : static_cast<std::size_t>(next() % bound);
    }

private:
    std::uint64_t state_;
};

bool parse_number(std::string_view text, std::uint64_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
}

std::uint64_t* number_of(Options& options, std::string_view word) {
    if (word == "--mutations") {
        return &options.mutations;
    }
    if (word == "--seed") {
        return &options.seed;
    }
    return word == "--first" ? &options.first : nullptr;
}

bool parse_options(int argc, char** argv, Options& options) {
    for (int i = 1; i < argc; ++i) {
        if (std::uint64_t* number = number_of(options, argv[i])) {
            if (i + 1 == argc || !parse_number(argv[++i], *number)) {
                return false;
            }
        } else {
            options.folders.emplace_back(argv[i]);
        }
    }
    return !options.folders.empty();
}

// What runs at the moment, written out by the signal handler, which may not format.
std::array<char, 4352> current_input{};

void name_input(const char* what, const std::string& which) {
    std::snprintf(current_input.data(), current_input.size(), "violation in %s %s\n", what,
                  which.c_str());
}

extern "C" void on_violation(int signal_number) {
    const std::string_view line(current_input.data());
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
    std::signal(signal_number, SIG_DFL);
    std::raise(signal_number);
}

void watch_violations() {
    std::signal(SIGABRT, on_violation);
    std::signal(SIGILL, on_violation);
    std::signal(SIGTRAP, on_violation);
#ifndef __SANITIZE_ADDRESS__  // which has a better report of its own
    std::signal(SIGSEGV, on_violation);
#endif
}

struct Input {
    std::string path;
    Bytes bytes;
};

// Sorted by path, so that the run does not depend on the order of a directory.
std::vector<Input> read_corpus(const std::vector<std::string>& folders) {
    std::vector<Input> corpus;
    for (const std::string& folder : folders) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
            if (entry.is_regular_file()) {
                std::ifstream file(entry.path(), std::ios::binary);
                corpus.push_back({entry.path().string(), Bytes(std::istreambuf_iterator<char>(file),
                                                               std::istreambuf_iterator<char>())});
            }
        }
    }
    std::ranges::sort(corpus, {}, &Input::path);
    return corpus;
}

auto at(Bytes& bytes, std::size_t offset) {
    return bytes.begin() + static_cast<Bytes::difference_type>(offset);
}

void flip_bit(Bytes& bytes, Random& random) {
    if (!bytes.empty()) {
        bytes[random.below(bytes.size())] ^= static_cast<std::uint8_t>(1U << random.below(8));
    }
}

// Values at which lengths and counts go wrong.
void set_edge_byte(Bytes& bytes, Random& random) {
    constexpr std::uint8_t kEdges[] = {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff, '\n', '"', '\\', '{'};
    if (!bytes.empty()) {
        bytes[random.below(bytes.size())] = kEdges[random.below(std::size(kEdges))];
    }
}

void truncate(Bytes& bytes, Random& random) {
    bytes.resize(random.below(bytes.size() + 1));
}

void erase_run(Bytes& bytes, Random& random) {
    const std::size_t from = random.below(bytes.size() + 1);
    const std::size_t count = random.below(std::min<std::size_t>(bytes.size() - from, 64) + 1);
    bytes.erase(at(bytes, from), at(bytes, from + count));
}

void duplicate_run(Bytes& bytes, Random& random) {
    const std::size_t from = random.below(bytes.size() + 1);
    const std::size_t count = random.below(std::min<std::size_t>(bytes.size() - from, 256) + 1);
    const Bytes run(at(bytes, from), at(bytes, from + count));
    bytes.insert(at(bytes, random.below(bytes.size() + 1)), run.begin(), run.end());
}

// The head of one input and the tail of another.
void splice(Bytes& bytes, Random& random, const Bytes& other) {
    bytes.resize(random.below(bytes.size() + 1));
    const std::size_t from = random.below(other.size() + 1);
    bytes.insert(bytes.end(), other.begin() + static_cast<Bytes::difference_type>(from),
                 other.end());
}

Bytes mutate(const std::vector<Input>& corpus, Random& random) {
    Bytes bytes = corpus[random.below(corpus.size())].bytes;
    for (std::size_t steps = 1 + random.below(4); steps > 0; --steps) {
        switch (random.below(6)) {
            case 0:
                flip_bit(bytes, random);
                break;
            case 1:
                set_edge_byte(bytes, random);
                break;
            case 2:
                truncate(bytes, random);
                break;
            case 3:
                erase_run(bytes, random);
                break;
            case 4:
                duplicate_run(bytes, random);
                break;
            default:
                splice(bytes, random, corpus[random.below(corpus.size())].bytes);
                break;
        }
    }
    bytes.resize(std::min(bytes.size(), kMaxInputBytes));
    return bytes;
}

void run_one(const Bytes& bytes) {
    // A copy of the exact size, so that AddressSanitizer sees a read past the end.
    const Bytes exact(bytes.begin(), bytes.end());
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

void run_all(const Options& options, const std::vector<Input>& corpus) {
    for (const Input& input : corpus) {
        if (options.first == 0) {
            name_input("file", input.path);
            run_one(input.bytes);
        }
    }
    for (std::uint64_t i = 0; i < options.mutations; ++i) {
        const std::uint64_t number = options.first + i;
        name_input("mutation", std::to_string(number));
        // A generator of its own for each, so that one can be tried without those before it.
        Random random(Random(options.seed + number).next());
        run_one(mutate(corpus, random));
    }
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (!parse_options(argc, argv, options)) {
        std::fprintf(stderr, "usage: %s [--seed N] [--first N] [--mutations N] FOLDER...\n",
                     argv[0]);
        return 2;
    }
    const std::vector<Input> corpus = read_corpus(options.folders);
    if (corpus.empty()) {
        std::fprintf(stderr, "%s: the corpus has no files\n", argv[0]);
        return 1;
    }
    std::printf("seed %llu, %zu files, %llu mutations\n",
                static_cast<unsigned long long>(options.seed), corpus.size(),
                static_cast<unsigned long long>(options.mutations));
    std::fflush(stdout);
    watch_violations();
    run_all(options, corpus);
    return 0;
}
