// Errors and results, and cancellation.
#include <doctest/doctest.h>

#include <cerrno>
#include <csignal>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include <abi/core/cancel.hpp>
#include <abi/core/error.hpp>

using namespace abikit;

namespace {

Result<int> half(int number) {
    if (number % 2 != 0) {
        return fail(Code::kInvalidArgument, "odd", "give an even number");
    }
    return number / 2;
}

Result<int> quarter(int number) {
    ABI_TRY(const int once, half(number));
    ABI_TRY(const int twice, half(once));
    return twice;
}

Status must_halve(int number) {
    ABI_CHECK(half(number));
    return {};
}

template <class Thrown>
Error error_of(const Thrown& thrown) {
    try {
        throw thrown;
    } catch (...) {
        return error_from_current_exception();
    }
}

}  // namespace

TEST_SUITE("core/error") {
    TEST_CASE("code names are distinct and in snake case") {
        std::set<std::string_view> names;
        for (int code = 0; code <= static_cast<int>(Code::kInternal); ++code) {
            const std::string_view name = code_name(static_cast<Code>(code));
            CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos);
            names.insert(name);
        }
        CHECK(names.size() == static_cast<std::size_t>(Code::kInternal) + 1);
        CHECK(code_name(Code::kInvalidArgument) == "invalid_argument");
    }

    TEST_CASE("contexts are told from the outside in, the innermost hint stays") {
        Error error = Error(Code::kIo, "no such device")
                          .with_hint("plug it in")
                          .with_context("cannot open 'x'")
                          .with_hint("something else")
                          .with_context("import failed");
        CHECK(error.describe() == "import failed: cannot open 'x': no such device");
        CHECK(error.message() == "no such device");
        CHECK(error.hint() == "plug it in");
        const Error copy = error.clone();
        const Error moved = std::move(error);
        CHECK(copy.describe() == moved.describe());
        CHECK(copy.hint() == "plug it in");
        CHECK(copy.code() == Code::kIo);
    }

    TEST_CASE("the macros return the error or hand on the value") {
        CHECK(quarter(12).value() == 3);
        CHECK(quarter(6).error().message() == "odd");
        CHECK(quarter(6).error().hint() == "give an even number");
        CHECK(must_halve(2));
        CHECK(must_halve(3).error().code() == Code::kInvalidArgument);
    }

    TEST_CASE("errno values become codes") {
        CHECK(error_from_errno(ENOENT, "cannot open 'a'").code() == Code::kInputMissing);
        CHECK(error_from_errno(ENOSPC, "x").code() == Code::kNoSpace);
        CHECK(error_from_errno(EDQUOT, "x").code() == Code::kNoSpace);
        CHECK(error_from_errno(EEXIST, "x").code() == Code::kAlreadyExists);
        CHECK(error_from_errno(EACCES, "x").code() == Code::kIo);
        CHECK(error_from_errno(ENOENT, "cannot open 'a'").describe() ==
              "cannot open 'a': no such file or directory");
    }

    TEST_CASE("exceptions become errors") {
        CHECK(error_of(std::bad_alloc()).code() == Code::kLimit);
        CHECK(error_of(std::runtime_error("boom")).code() == Code::kInternal);
        CHECK(error_of(std::runtime_error("boom")).message() == "boom");
        CHECK(error_of(42).code() == Code::kInternal);
    }

    TEST_CASE("running out of memory is told without memory, and passed on like any error") {
        Error error = Error::out_of_memory().with_context("cannot do it").with_hint("do less");
        CHECK(error.code() == Code::kLimit);
        CHECK(error.message() == "out of memory");
        CHECK(error.describe() == "out of memory");
        CHECK(error.hint() == "raise --memory-limit, or give the machine more memory");
        CHECK(error.clone().describe() == error.describe());
        const Error moved = std::move(error);
        CHECK(moved.code() == Code::kLimit);
    }
}

TEST_SUITE("core/cancel") {
    TEST_CASE("a token of nothing is never cancelled") {
        const CancelToken token;
        CHECK_FALSE(token.cancelled());
        CHECK(token.reason() == 0);
        CHECK(token.check());
    }

    TEST_CASE("all tokens of a source see it, with the reason") {
        CancelToken survivor;
        {
            CancelSource source;
            survivor = source.token();
            const CancelToken copy = survivor;
            CHECK_FALSE(copy.cancelled());
            source.cancel(SIGTERM);
            CHECK(copy.cancelled());
        }
        CHECK(survivor.cancelled());
        CHECK(survivor.reason() == SIGTERM);
        CHECK(survivor.check().error().code() == Code::kCancelled);
    }

    TEST_CASE("another thread may cancel, through the raw flag too") {
        CancelSource source;
        const CancelToken token = source.token();
        CHECK(source.flag()->is_lock_free());
        std::thread([flag = source.flag()] { flag->store(SIGINT); }).join();
        CHECK(token.reason() == SIGINT);
    }
}
