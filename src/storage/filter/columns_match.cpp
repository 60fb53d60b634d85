// Conditions on columns: a condition is a few ranges of values in order, whose rows are put
// together; where that is most rows, those of the rest are taken away instead.
#include <algorithm>
#include <functional>

#include "../format.hpp"
#include "columns.hpp"

namespace abikit::storage {

namespace {
ColumnKind kind_of(const Condition& condition) noexcept {
    static constexpr std::array<ColumnKind, 3> kScalar = {ColumnKind::kBool, ColumnKind::kNumber,
                                                          ColumnKind::kString};
    static constexpr std::array<ColumnKind, 3> kElement = {
        ColumnKind::kArrayOfBool, ColumnKind::kArrayOfNumber, ColumnKind::kArrayOfString};
    const auto operand = static_cast<std::size_t>(condition.operand);
    if (condition.kind == ConditionKind::kWithin) {
        return ColumnKind::kGeo;
    }
    return condition.kind == ConditionKind::kContains ? kElement[operand] : kScalar[operand];
}

// first: words &= other, or |= other.
void join(SegmentMatches& into, const SegmentMatches& other, FilterNode::Kind kind) {
    for (std::size_t i = 0; i < into.words.size(); ++i) {
        if (kind == FilterNode::Kind::kAnd) {
            into.words[i] &= other.words[i];
        } else {
            into.words[i] |= other.words[i];
        }
    }
    into.exact = into.exact && other.exact;
}
}  // namespace

Result<SegmentMatches> SegmentColumns::match(const FilterProgram& program) const {
    return match_node(program, program.root);
}

namespace {
bool is_half_open(const Condition& condition) {
    return condition.kind == ConditionKind::kRange && !condition.negated &&
           condition.low.has_value() != condition.high.has_value();
}

// Whether `more`, which the same rows must meet, went into `range`: the other end of it.
bool closes(Condition& range, const Condition& more) {
    if (!is_half_open(range) || !is_half_open(more) || range.field != more.field ||
        range.operand != more.operand || range.low.has_value() == more.low.has_value()) {
        return false;
    }
    (more.low ? range.low : range.high) = more.low ? more.low : more.high;
    return true;
}

// What must hold together, with the two ends of a range in one condition: each alone may be met by
// many more rows than both.
std::vector<FilterNode> with_closed_ranges(const std::vector<FilterNode>& children) {
    std::vector<FilterNode> closed;
    for (const FilterNode& child : children) {
        const bool merged = child.kind == FilterNode::Kind::kCondition &&
                            std::any_of(closed.begin(), closed.end(), [&](FilterNode& other) {
                                return other.kind == FilterNode::Kind::kCondition &&
                                       closes(other.condition, child.condition);
                            });
        if (!merged) {
            closed.push_back(child);
        }
    }
    return closed;
}
}  // namespace

Result<SegmentMatches> SegmentColumns::match_node(const FilterProgram& program,
                                                  const FilterNode& node) const {
    if (node.kind == FilterNode::Kind::kCondition) {
        return match_condition(program.fields[node.condition.field], node.condition);
    }
    const std::vector<FilterNode> children =
        node.kind == FilterNode::Kind::kAnd ? with_closed_ranges(node.children) : node.children;
    ABI_TRY(SegmentMatches all, match_node(program, children.front()));
    for (std::size_t i = 1; i < children.size(); ++i) {
        ABI_TRY(const SegmentMatches more, match_node(program, children[i]));
        join(all, more, node.kind);
    }
    return all;
}

Result<SegmentMatches> SegmentColumns::match_condition(const FieldPath& path,
                                                       const Condition& condition) const {
    if (path.is_id) {
        return match_id(condition);
    }
    if (some_missing_ && !has_any(path)) {
        return SegmentMatches{everything(), false};
    }
    if (condition.kind == ConditionKind::kIsNull) {
        return match_null(path, condition.negated);
    }
    const ColumnEntry* const entry = find(path, kind_of(condition));
    if (entry != nullptr && (entry->flags & kValuesMissing) != 0) {
        SegmentMatches may{nothing(), false};
        const ColumnEntry* const known =
            condition.kind == ConditionKind::kContains ? find(path, ColumnKind::kArray) : entry;
        if (known != nullptr) {
            ABI_CHECK(add_posting(known->known_at, known->known_rows, may.words));
        }
        return may;
    }
    if (condition.kind == ConditionKind::kWithin) {
        return entry == nullptr ? Result<SegmentMatches>(SegmentMatches{nothing(), true})
                                : match_points(*entry, condition);
    }
    return match_values(path, entry, condition);
}

Result<SegmentMatches> SegmentColumns::match_id(const Condition& condition) const {
    if (condition.kind == ConditionKind::kIsNull) {
        return SegmentMatches{condition.negated ? everything() : nothing(), true};
    }
    if (condition.kind != ConditionKind::kIn) {
        return SegmentMatches{everything(), false};
    }
    SegmentMatches matches{condition.negated ? everything() : nothing(), true};
    for (const Literal& value : condition.values) {
        ABI_TRY(const auto row, segment_->find(*std::get_if<std::string>(&value)));
        if (row) {
            const std::uint64_t bit = std::uint64_t{1} << (*row % 64);
            std::uint64_t& word = matches.words[*row / 64];
            word = condition.negated ? word & ~bit : word | bit;
        }
    }
    return matches;
}

Result<SegmentMatches> SegmentColumns::match_null(const FieldPath& path, bool negated) const {
    SegmentMatches present{nothing(), true};
    for (const ColumnKind kind : {ColumnKind::kBool, ColumnKind::kNumber, ColumnKind::kString,
                                  ColumnKind::kObject, ColumnKind::kArray}) {
        if (const ColumnEntry* const entry = find(path, kind)) {
            ABI_CHECK(add_posting(entry->known_at, entry->known_rows, present.words));
        }
    }
    if (negated) {
        return present;
    }
    SegmentMatches rest{everything(), true};
    for (std::size_t i = 0; i < rest.words.size(); ++i) {
        rest.words[i] &= ~present.words[i];
    }
    return rest;
}

Result<SegmentMatches> SegmentColumns::match_points(const ColumnEntry& entry,
                                                    const Condition& condition) const {
    const GeoBox& box = condition.box;
    const std::uint64_t lons = entry.values_at + entry.values * 8, rows = lons + entry.values * 8;
    ABI_TRY(const std::uint64_t first, partition(entry, [&](std::uint64_t i) -> Result<bool> {
                ABI_TRY(const double lat, number<double>(entry.values_at, i));
                return lat < box.south;
            }));
    SegmentMatches matches{nothing(), true};
    for (std::uint64_t i = first; i < entry.values; ++i) {
        ABI_TRY(const double lat, number<double>(entry.values_at, i));
        if (!(lat <= box.north)) {
            break;
        }
        ABI_TRY(const double lon, number<double>(lons, i));
        ABI_TRY(const std::uint32_t row, number<std::uint32_t>(rows, i));
        if (row >= segment_->rows()) {
            return fail(damaged("a column names rows that are not there"));
        }
        if (box.contains(lat, lon)) {
            matches.words[row / 64] |= std::uint64_t{1} << (row % 64);
        }
    }
    if (condition.negated) {
        Words known = nothing();
        ABI_CHECK(add_posting(entry.known_at, entry.known_rows, known));
        for (std::size_t i = 0; i < known.size(); ++i) {
            matches.words[i] = known[i] & ~matches.words[i];
        }
    }
    return matches;
}

// The first value for which `before` is no longer true.
template <class Before>
Result<std::uint64_t> SegmentColumns::partition(const ColumnEntry& entry, Before before) const {
    std::uint64_t low = 0, high = entry.values;
    while (low < high) {
        const std::uint64_t middle = low + (high - low) / 2;
        ABI_TRY(const bool is_before, before(middle));
        (is_before ? low : high) = is_before ? middle + 1 : middle;
    }
    return low;
}

// The values that satisfy the plain condition, in ascending ranges.
Result<std::vector<SegmentColumns::Range>> SegmentColumns::ranges_of(
    const ColumnEntry& entry, const Condition& condition) const {
    // Values below the literal; with `after` also the equal ones.
    const auto below = [&](const Literal& literal, bool after) {
        return partition(entry, [&, after](std::uint64_t i) -> Result<bool> {
            ABI_TRY(const int order, compare_value(entry, i, literal));
            return after ? order <= 0 : order < 0;
        });
    };
    if (condition.kind == ConditionKind::kRange) {
        Range range{0, entry.values};
        if (condition.low) {
            ABI_TRY(range.first, below(condition.low->value, !condition.low->inclusive));
        }
        if (condition.high) {
            ABI_TRY(range.last, below(condition.high->value, condition.high->inclusive));
        }
        return range.first < range.last ? std::vector<Range>{range} : std::vector<Range>();
    }
    if (condition.kind == ConditionKind::kPrefix) {
        const std::string& prefix = *std::get_if<std::string>(&condition.values.front());
        Range range;
        ABI_TRY(range.first, below(condition.values.front(), false));
        ABI_TRY(range.last, partition(entry, [&](std::uint64_t i) -> Result<bool> {
                    ABI_TRY(const std::string_view value, text(entry, i));
                    return value.substr(0, prefix.size()) <= prefix;
                }));
        return range.first < range.last ? std::vector<Range>{range} : std::vector<Range>();
    }
    std::vector<Range> ranges;
    for (const Literal& literal : condition.values) {
        ABI_TRY(const std::uint64_t at, below(literal, false));
        if (at == entry.values) {
            break;
        }
        ABI_TRY(const int order, compare_value(entry, at, literal));
        if (order == 0) {
            ranges.push_back({at, at + 1});
        }
    }
    return ranges;
}

Result<std::uint64_t> SegmentColumns::pairs_in(const ColumnEntry& entry,
                                               const std::vector<Range>& ranges) const {
    std::uint64_t pairs = 0;
    for (const Range& range : ranges) {
        ABI_TRY(const std::uint64_t last, number<std::uint64_t>(entry.ends_at, range.last - 1));
        std::uint64_t first = 0;
        if (range.first != 0) {
            ABI_TRY(first, number<std::uint64_t>(entry.ends_at, range.first - 1));
        }
        pairs += last - first;
    }
    return pairs;
}

namespace {
template <class Range>
std::vector<Range> complement(const std::vector<Range>& ranges, std::uint64_t values) {
    std::vector<Range> rest;
    std::uint64_t at = 0;
    for (const Range& range : ranges) {
        if (range.first > at) {
            rest.push_back({at, range.first});
        }
        at = range.last;
    }
    if (at < values) {
        rest.push_back({at, values});
    }
    return rest;
}
}  // namespace

// A row has one value of a scalar, so that the rows of all other values are the complement among
// the rows that are known; of arrays it may have several.
Result<SegmentMatches> SegmentColumns::match_values(const FieldPath& path, const ColumnEntry* entry,
                                                    const Condition& condition) const {
    const bool scalar = condition.kind != ConditionKind::kContains;
    const ColumnEntry* const known = scalar ? entry : find(path, ColumnKind::kArray);
    SegmentMatches matches{nothing(), true};
    if (known == nullptr) {
        return matches;
    }
    std::vector<Range> ranges;
    if (entry != nullptr) {
        ABI_TRY(ranges, ranges_of(*entry, condition));
    }
    bool take_away = condition.negated;
    if (entry != nullptr && scalar) {
        ABI_TRY(const std::uint64_t pairs, pairs_in(*entry, ranges));
        if (pairs > entry->pairs / 2) {
            ranges = complement(ranges, entry->values);
            take_away = !take_away;
        }
    }
    for (const Range& range : ranges) {
        ABI_CHECK(add_values(*entry, range, matches.words));
    }
    if (take_away) {
        Words all = nothing();
        ABI_CHECK(add_posting(known->known_at, known->known_rows, all));
        for (std::size_t i = 0; i < all.size(); ++i) {
            matches.words[i] = all[i] & ~matches.words[i];
        }
    }
    return matches;
}

}  // namespace abikit::storage
