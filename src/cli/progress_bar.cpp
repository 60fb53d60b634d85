// Drawing progress.
#include "progress_bar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>

#include <abi/core/time.hpp>

#include "../report/humanise.hpp"
#include "../report/text_width.hpp"

namespace abikit::cli {
namespace {

constexpr std::uint64_t kBarPeriodNs = 100'000'000;
constexpr std::uint64_t kLinePeriodNs = 1'000'000'000;
constexpr std::size_t kBarWidth = 20;

std::string bar(double share) {
    const auto full = static_cast<std::size_t>(share * static_cast<double>(kBarWidth));
    std::string out;
    for (std::size_t i = 0; i < kBarWidth; ++i) {
        out += i < full ? "█" : "░";
    }
    return out;
}

}  // namespace

ProgressBar::ProgressBar(ErrorStream& stream, ProgressOptions options)
    : stream_(stream), options_(std::move(options)) {
    if (!options_.now) {
        options_.now = monotonic_ns;
    }
}

ProgressBar::~ProgressBar() {
    end();
}

std::string ProgressBar::amount(std::uint64_t value) const {
    return unit_ == "B" ? report::human_bytes(static_cast<double>(value))
                        : report::human_count(value);
}

std::string ProgressBar::text(std::uint64_t now) const {
    std::string out = phase_;
    const double seconds = static_cast<double>(now - started_ns_) * 1e-9;
    const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
    const std::string unit = unit_ == "B" ? "" : " " + unit_;
    if (total_ > 0) {
        const double share =
            std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
        out += fmt::format("  {} {:3.0f} %  {} / {}{}", bar(share), std::floor(share * 100),
                           amount(done_), amount(total_), unit);
    } else {
        out += fmt::format("  {}{}", amount(done_), unit);
    }
    if (rate >= 1) {
        out += fmt::format("  {}{}/s", amount(static_cast<std::uint64_t>(rate)), unit);
    }
    if (rate > 0 && total_ > done_) {
        const double left = static_cast<double>(total_ - done_) / rate;
        const auto rounded = static_cast<std::uint64_t>(std::ceil(std::min(left, 3.6e8)));
        out += fmt::format("  {}:{:02} left", rounded / 60, rounded % 60);
    }
    return out;
}

void ProgressBar::draw(std::uint64_t now) {
    drawn_ns_ = now;
    if (options_.style == ProgressStyle::kLines) {
        stream_.line(text(now));
        return;
    }
    const std::size_t width = options_.width == 0 ? 80 : options_.width;
    stream_.status(report::truncate(text(now), width - 1));
}

void ProgressBar::begin(std::string_view phase, std::string_view unit,
                        std::uint64_t total) noexcept {
    const std::lock_guard lock(mutex_);
    try {
        phase_ = phase;
        unit_ = unit;
        total_ = total;
        done_ = 0;
        started_ns_ = options_.now();
        active_ = options_.style != ProgressStyle::kOff;
        if (active_) {
            draw(started_ns_);
        }
    } catch (const std::exception&) {
        active_ = false;  // progress is never worth failing for
    }
}

void ProgressBar::update(std::uint64_t done) noexcept {
    const std::lock_guard lock(mutex_);
    done_ = std::max(done_, done);
    if (!active_) {
        return;
    }
    try {
        const std::uint64_t now = options_.now();
        const bool lines = options_.style == ProgressStyle::kLines;
        if (now - drawn_ns_ >= (lines ? kLinePeriodNs : kBarPeriodNs)) {
            draw(now);
        }
    } catch (const std::exception&) {
        active_ = false;
    }
}

void ProgressBar::end() noexcept {
    const std::lock_guard lock(mutex_);
    if (active_ && options_.style == ProgressStyle::kBar) {
        stream_.status("");
    }
    active_ = false;
}

}  // namespace abikit::cli
