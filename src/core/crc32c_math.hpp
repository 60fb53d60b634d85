// Arithmetic of polynomials over GF(2) modulo the Castagnoli polynomial, and the tables made of it
// at compile time. Values are bit-reflected: bit 31 is the coefficient of x^0. A "raw" checksum
// is one without the initial and final inversion; shifting a raw checksum by n bytes means
// appending n zero bytes to what it was computed of. Read crc32c.cpp next.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace abikit::crc {

inline constexpr std::uint32_t kPolynomial = 0x82F63B78;  // reflected 0x1EDC6F41
inline constexpr std::uint32_t kOne = 0x80000000;         // x^0

// a times b. Adds a * x^i for each coefficient x^i of b.
constexpr std::uint32_t multiply(std::uint32_t a, std::uint32_t b) {
    std::uint32_t product = 0;
    for (; b != 0; b <<= 1) {
        if ((b & kOne) != 0) {
            product ^= a;
        }
        a = (a & 1) != 0 ? (a >> 1) ^ kPolynomial : a >> 1;  // times x
    }
    return product;
}

// x^(8 * 2^k) for k in [0, 64): the factors that append 2^k zero bytes.
inline constexpr auto kShiftPowers = [] {
    std::array<std::uint32_t, 64> powers{};
    std::uint32_t power = kOne >> 8;  // x^8
    for (std::uint32_t& entry : powers) {
        entry = power;
        power = multiply(power, power);
    }
    return powers;
}();

// x^(8n): the factor that appends n zero bytes.
constexpr std::uint32_t shift_factor(std::uint64_t n) {
    std::uint32_t factor = kOne;
    for (std::size_t k = 0; n != 0; ++k, n >>= 1) {
        if ((n & 1) != 0) {
            factor = multiply(factor, kShiftPowers[k]);
        }
    }
    return factor;
}

using ByteTables4 = std::array<std::array<std::uint32_t, 256>, 4>;

// Tables that append n zero bytes with four look-ups, one for each byte of the raw checksum.
constexpr ByteTables4 make_shift_tables(std::uint64_t n) {
    ByteTables4 tables{};
    const std::uint32_t factor = shift_factor(n);
    for (std::size_t position = 0; position < 4; ++position) {
        for (std::uint32_t bit = 0; bit < 8; ++bit) {
            // Multiplication is linear: an entry is the sum of the entries of its bits.
            const std::uint32_t step = 1U << bit;
            const std::uint32_t product =
                multiply(factor, step << (8 * static_cast<std::uint32_t>(position)));
            for (std::uint32_t value = 0; value < step; ++value) {
                tables[position][step + value] = tables[position][value] ^ product;
            }
        }
    }
    return tables;
}

constexpr std::uint32_t shift_by_tables(const ByteTables4& tables, std::uint32_t raw) {
    return tables[0][raw & 0xFF] ^ tables[1][(raw >> 8) & 0xFF] ^ tables[2][(raw >> 16) & 0xFF] ^
           tables[3][raw >> 24];
}

// Slice-by-8 tables (Kounavis, Berry 2005): entry [k][v] is byte v followed by k zero bytes.
inline constexpr auto kSliceTables = [] {
    std::array<std::array<std::uint32_t, 256>, 8> tables{};
    for (std::uint32_t value = 0; value < 256; ++value) {
        std::uint32_t raw = value;
        for (int bit = 0; bit < 8; ++bit) {
            raw = (raw & 1) != 0 ? (raw >> 1) ^ kPolynomial : raw >> 1;
        }
        tables[0][value] = raw;
    }
    for (std::size_t k = 1; k < 8; ++k) {
        for (std::size_t value = 0; value < 256; ++value) {
            const std::uint32_t before = tables[k - 1][value];
            tables[k][value] = (before >> 8) ^ tables[0][before & 0xFF];
        }
    }
    return tables;
}();

}  // namespace abikit::crc
