#include <doctest/doctest.h>
TEST_CASE("text links") { CHECK(true); }
