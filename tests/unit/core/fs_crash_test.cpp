// The rule that no power cut may break, over random programs: what was synced is there, byte for
// byte; what was not is old, new, or zeros; and replacing a file never shows anything but the old
// or the new one.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <abi/core/fs_memory.hpp>

#include "fs_test_util.hpp"

using namespace abikit;
using namespace abikit::test;

namespace {

constexpr std::size_t kLongest = 3000;

// What a byte may be after a power cut, and how long the file may be.
struct Allowed {
    std::vector<std::set<char>> bytes = std::vector<std::set<char>>(kLongest, {'\0'});
    std::uint64_t shortest = 0;
    std::uint64_t longest = 0;
};

// One file, tracked by hand beside the file system under test.
class Oracle {
public:
    void write(std::uint64_t offset, std::size_t length, char letter) {
        live_.resize(std::max<std::size_t>(live_.size(), offset + length), '\0');
        for (std::size_t i = 0; i < length; ++i) {
            live_[offset + i] = letter;
            allowed_.bytes[offset + i].insert(letter);
        }
        note_size();
    }
    void truncate(std::uint64_t size) {
        live_.resize(size, '\0');
        for (std::size_t i = size; i < kLongest; ++i) {
            allowed_.bytes[i].insert('\0');
        }
        note_size();
    }
    void sync() {
        allowed_ = Allowed{};
        for (std::size_t i = 0; i < live_.size(); ++i) {
            allowed_.bytes[i] = {live_[i]};
        }
        allowed_.shortest = allowed_.longest = live_.size();
    }
    std::size_t size() const { return live_.size(); }
    const std::string& live() const { return live_; }
    bool allows(const std::string& text) const {
        if (text.size() < allowed_.shortest || text.size() > allowed_.longest) {
            return false;
        }
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (!allowed_.bytes[i].contains(text[i])) {
                return false;
            }
        }
        return true;
    }

private:
    void note_size() {
        allowed_.shortest = std::min<std::uint64_t>(allowed_.shortest, live_.size());
        allowed_.longest = std::max<std::uint64_t>(allowed_.longest, live_.size());
    }
    std::string live_;
    Allowed allowed_;
};

std::uint64_t first_seed() {
    const char* given = std::getenv("ABI_TEST_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : 20'240'601;
}

// One random step on one file, told to both.
void step(std::mt19937_64& random, File& file, Oracle& oracle) {
    const auto up_to = [&random](std::size_t most) { return random() % (most + 1); };
    switch (random() % 8) {
        case 0:
            must(file.sync());
            oracle.sync();
            break;
        case 1: {
            const std::uint64_t size = up_to(oracle.size());
            must(file.truncate(size));
            oracle.truncate(size);
            break;
        }
        default: {
            const std::uint64_t offset = up_to(std::min(oracle.size() + 100, kLongest - 1));
            const std::size_t length =
                1 + up_to(std::min<std::size_t>(kLongest - 1 - offset, 1200));
            const char letter = static_cast<char>('a' + random() % 26);
            must(file.write_at(offset, bytes_of(std::string(length, letter))));
            oracle.write(offset, length, letter);
        }
    }
}

}  // namespace

TEST_SUITE("core") {
    TEST_CASE("crash: synced bytes survive every power cut of random programs") {
        for (std::uint64_t seed = first_seed(); seed < first_seed() + 12; ++seed) {
            CAPTURE(seed);
            std::mt19937_64 random(seed);
            MemoryFileSystem fs;
            std::array<std::unique_ptr<File>, 2> files = {
                must(fs.open("/0", OpenMode::kCreateNew)),
                must(fs.open("/1", OpenMode::kCreateNew))};
            must(fs.sync_directory("/"));
            std::array<Oracle, 2> oracles;
            for (int steps = 0; steps < 25; ++steps) {
                const std::size_t which = random() % 2;
                step(random, *files[which], oracles[which]);
                for (const CrashPlan& plan : crash_plans(random(), 2)) {
                    const auto after = fs.crash(plan);
                    CHECK_MESSAGE(oracles[0].allows(whole(*after, "/0")), describe(plan));
                    CHECK_MESSAGE(oracles[1].allows(whole(*after, "/1")), describe(plan));
                }
            }
            const auto kept = fs.crash({.kind = CrashKind::kKeepAll});
            CHECK(whole(*kept, "/0") == oracles[0].live());
            CHECK(whole(*kept, "/1") == oracles[1].live());
        }
    }

    TEST_CASE("crash: replace_file shows the old or the new file at every moment") {
        MemoryFileSystem fs;
        const std::string old_text(5000, 'o');
        const std::string new_text(9000, 'n');
        put_durably(fs, "/f", old_text);
        const std::uint64_t begin = fs.sequence();
        must(fs.replace_file("/f", bytes_of(new_text)));
        std::set<std::string> seen;
        for (std::uint64_t at = begin; at <= fs.sequence(); ++at) {
            for (const CrashPlan& plan : crash_plans(1, 30)) {
                CAPTURE(at);
                const auto text = whole(*fs.crash_at(at, plan), "/f");
                const bool either = text == old_text || text == new_text;
                CHECK_MESSAGE(either, describe(plan));
                CHECK_MESSAGE((at != fs.sequence() || text == new_text), describe(plan));
                seen.insert(text);
            }
        }
        CHECK(seen.size() == 2);
    }

    TEST_CASE("crash: replacing without a sync of the content is caught") {
        // The mistake that the double exists for: it must be able to show it.
        MemoryFileSystem fs;
        put_durably(fs, "/f", "old");
        put(fs, "/f.tmp", "new");
        must(fs.rename("/f.tmp", "/f"));
        must(fs.sync_directory("/"));
        std::set<std::string> seen;
        for (const CrashPlan& plan : crash_plans(1, 30)) {
            seen.insert(whole(*fs.crash(plan), "/f"));
        }
        CHECK(seen == std::set<std::string>{"", "new", std::string(3, '\0')});
    }

    TEST_CASE("crash: random name programs leave only names that once were, none of them by half") {
        for (std::uint64_t seed = first_seed(); seed < first_seed() + 10; ++seed) {
            CAPTURE(seed);
            std::mt19937_64 random(seed);
            MemoryFileSystem fs;
            const std::vector<std::string> directories = {"/", "/d", "/e"};
            must(fs.create_directory("/d"));
            must(fs.create_directory("/e"));
            must(fs.sync_directory("/"));
            const auto any_name = [&] {
                return join_path(directories[random() % 3], std::string(1, "xyz"[random() % 3]));
            };
            std::map<std::string, std::set<std::string>> ever;  // contents by name
            for (int steps = 0; steps < 40; ++steps) {
                const auto name = any_name();
                const auto other = any_name();
                switch (random() % 4) {
                    case 0:
                        static_cast<void>(fs.remove(name));
                        break;
                    case 1:
                        must(fs.sync_directory(directories[random() % 3]));
                        break;
                    case 2:
                        if (fs.rename(name, other)) {
                            ever[other].insert(whole(fs, other));
                        }
                        break;
                    default:
                        if (!exists(fs, name)) {
                            const auto file = must(fs.open(name, OpenMode::kCreateNew));
                            must(file->write_at(0, bytes_of(std::to_string(steps))));
                            must(file->sync());
                            ever[name].insert(std::to_string(steps));
                        }
                }
                for (const CrashPlan& plan : crash_plans(random(), 2)) {
                    const auto after = fs.crash(plan);
                    for (const std::string& directory : directories) {
                        for (const DirectoryEntry& entry : must(after->list(directory))) {
                            const auto path = join_path(directory, entry.name);
                            if (entry.kind == FileKind::kFile) {
                                // A file was synced before anything else happened to it, except in
                                // the two operations between its creation and its sync.
                                CHECK_MESSAGE(ever[path].contains(whole(*after, path)),
                                              describe(plan));
                            }
                        }
                    }
                }
            }
            for (const std::string& directory : directories) {
                must(fs.sync_directory(directory));
            }
            for (const CrashPlan& plan : crash_plans(1, 3)) {
                const auto after = fs.crash(plan);
                for (const std::string& directory : directories) {
                    const auto live = must(fs.list(directory));
                    const auto kept = must(after->list(directory));
                    REQUIRE(kept.size() == live.size());
                    for (std::size_t i = 0; i < live.size(); ++i) {
                        CHECK(kept[i].name == live[i].name);
                    }
                }
            }
        }
    }
}
