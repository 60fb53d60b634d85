// Listing and forcing of the instruction sets.
#include <abi/simd/targets.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include <abi/simd/distance.hpp>

#include "support.hpp"

namespace abikit::simd {
namespace {

std::size_t count_chosen() {
    const auto all = targets();
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [](const TargetInfo& t) { return t.chosen; }));
}

std::string best_supported() {
    for (const TargetInfo& target : targets()) {
        if (target.supported) {
            return target.name;
        }
    }
    return {};
}

}  // namespace

TEST_SUITE("simd") {
    TEST_CASE("one target is chosen, and it is the best supported one") {
        CHECK(!targets().empty());
        CHECK(count_chosen() == 1);
        CHECK(chosen_target() == best_supported());
    }

    TEST_CASE("forcing a target does not change what the machine supports") {
        const test::RestoreTarget restore;
        std::vector<bool> before;
        for (const TargetInfo& target : targets()) {
            before.push_back(target.supported);
        }
        for (const TargetInfo& target : targets()) {
            if (!target.supported) {
                continue;
            }
            REQUIRE(force_target(target.name).has_value());
            CHECK(chosen_target() == target.name);
            CHECK(count_chosen() == 1);
            std::vector<bool> now;
            for (const TargetInfo& other : targets()) {
                CHECK(other.chosen == (other.name == target.name));
                now.push_back(other.supported);
            }
            CHECK(now == before);
        }
        REQUIRE(force_target("auto").has_value());
        CHECK(chosen_target() == best_supported());
    }

    TEST_CASE("names are found in any case; none is plain code") {
        const test::RestoreTarget restore;
        std::string lower = targets().back().name;
        std::transform(lower.begin(), lower.end(), lower.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        REQUIRE(force_target(lower).has_value());
        CHECK(chosen_target() == targets().back().name);
        REQUIRE(force_target("Auto").has_value());
        REQUIRE(force_target("none").has_value());
        CHECK(chosen_target() == targets().back().name);
        REQUIRE(force_target("auto").has_value());
        REQUIRE(force_target("scalar").has_value());
        CHECK(chosen_target() == targets().back().name);
        CHECK((chosen_target() == "SCALAR" || chosen_target() == "EMU128"));
    }

    TEST_CASE("an unknown target changes nothing and lists the valid names") {
        const std::string before = chosen_target();
        const Status status = force_target("avx9");
        REQUIRE(!status.has_value());
        CHECK(status.error().code() == Code::kInvalidArgument);
        CHECK(status.error().message().find("'avx9'") != std::string::npos);
        CHECK(status.error().hint().find("auto, none") != std::string::npos);
        CHECK(status.error().hint().find(before) != std::string::npos);
        CHECK(chosen_target() == before);
        CHECK(!force_target("").has_value());
    }

    // Targets with more than four lanes add in another order than plain code; a sum that shows it
    // proves that the kernels of other files follow the forced target too.
    TEST_CASE("kernels run on the forced target") {
        if (!best_supported().starts_with("AVX")) {
            return;
        }
        const test::RestoreTarget restore;
        const auto query = test::random_values(1001, 21);
        std::vector<float> rows;
        for (std::uint32_t i = 0; i < 64; ++i) {
            const auto row = test::random_values(1001, 100 + i);
            rows.insert(rows.end(), row.data(), row.data() + row.size());
        }
        std::vector<float> vector(64);
        std::vector<float> plain(64);
        std::vector<float> again(64);
        dot_rows(query.data(), rows.data(), 1001, 64, vector.data());
        REQUIRE(force_target("none").has_value());
        dot_rows(query.data(), rows.data(), 1001, 64, plain.data());
        REQUIRE(force_target("auto").has_value());
        dot_rows(query.data(), rows.data(), 1001, 64, again.data());
        CHECK(vector != plain);
        CHECK(vector == again);
    }
}

}  // namespace abikit::simd
