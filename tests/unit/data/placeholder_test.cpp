#include <doctest/doctest.h>
TEST_CASE("data links") { CHECK(true); }
