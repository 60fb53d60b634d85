// NFKC_Casefold over utf8proc. ASCII is folded here; utf8proc sees only the stretches around other
// characters, so that plain text costs no more than a copy.
#include <abi/text/utf8.hpp>

#include <new>
#include <vector>

#include <utf8proc.h>

#include "utf8_decode.hpp"

namespace abikit::text {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

char lower_ascii(char byte) noexcept {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + ('a' - 'A')) : byte;
}

void append_lower_ascii(std::string_view text, std::string& out) {
    const std::size_t start = out.size();
    out.resize(start + text.size());
    char* to = out.data() + start;
    for (std::size_t index = 0; index < text.size(); ++index) {
        to[index] = lower_ascii(text[index]);
    }
}

// One pass of utf8proc over valid UTF-8, appended to `out`. `buffer` is scratch.
void append_mapped(std::string_view text, std::vector<utf8proc_int32_t>& buffer, std::string& out) {
    constexpr auto kOptions = static_cast<utf8proc_option_t>(
        UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    const auto size = static_cast<utf8proc_ssize_t>(text.size());
    buffer.resize(std::max<std::size_t>(buffer.size(), text.size() + 1));
    auto count = utf8proc_decompose(bytes, size, buffer.data(),
                                    static_cast<utf8proc_ssize_t>(buffer.size()) - 1, kOptions);
    if (count >= static_cast<utf8proc_ssize_t>(buffer.size())) {
        buffer.resize(static_cast<std::size_t>(count) + 1);
        count = utf8proc_decompose(bytes, size, buffer.data(), count, kOptions);
    }
    // utf8proc writes the encoded bytes over the code points and a terminator behind them.
    const auto encoded = count < 0 ? count : utf8proc_reencode(buffer.data(), count, kOptions);
    if (encoded < 0) {
        out.append(kReplacement);  // not reachable for valid UTF-8
        return;
    }
    out.append(reinterpret_cast<const char*>(buffer.data()), static_cast<std::size_t>(encoded));
}

// The end of the run of valid non-ASCII characters that starts at `at`.
std::size_t skip_non_ascii(std::string_view text, std::size_t at) noexcept {
    while (at < text.size() && byte_at(text, at) >= 0x80) {
        const Utf8Step step = decode_utf8(text, at);
        if (!step.valid) {
            break;
        }
        at += step.bytes;
    }
    return at;
}

}  // namespace

void fold_into(std::string_view text, std::string& out) {
    std::vector<utf8proc_int32_t> buffer;  // allocates only when there is more than ASCII
    out.clear();
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t ascii_end = skip_ascii(text, at);
        if (ascii_end == text.size()) {
            append_lower_ascii(text.substr(at), out);
            return;
        }
        // An ASCII character never joins what stands before it, but the marks behind it may join
        // it: the text falls apart safely just before the last ASCII character of a run.
        const std::size_t run_start = ascii_end > at ? ascii_end - 1 : ascii_end;
        append_lower_ascii(text.substr(at, run_start - at), out);
        at = skip_non_ascii(text, ascii_end);
        append_mapped(text.substr(run_start, at - run_start), buffer, out);
        if (at < text.size() && byte_at(text, at) >= 0x80) {
            out.append(kReplacement);
            at += decode_utf8(text, at).bytes;
        }
    }
}

std::string fold(std::string_view text) {
    std::string out;
    fold_into(text, out);
    return out;
}

}  // namespace abikit::text
