#include <doctest/doctest.h>
TEST_CASE("core links") { CHECK(true); }
