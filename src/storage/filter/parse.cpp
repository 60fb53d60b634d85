// The grammar of filters, by recursive descent: OR binds least, then AND, then NOT, then
// conditions. Recursion is bounded by kMaxFilterDepth; a chain of ANDs or ORs is one node.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <abi/storage/filter.hpp>
#include <abi/text/utf8.hpp>

#include "../guard.hpp"
#include "lexer.hpp"
#include "program.hpp"

namespace abikit::storage {

namespace {
constexpr std::array<std::string_view, 12> kReserved = {"AND",    "OR",      "NOT",  "IN",
                                                        "IS",     "BETWEEN", "NULL", "CONTAINS",
                                                        "WITHIN", "STARTS",  "TRUE", "FALSE"};

bool same_word(std::string_view word, std::string_view keyword) noexcept {
    return std::equal(word.begin(), word.end(), keyword.begin(), keyword.end(),
                      [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 32 : a) == b; });
}

std::string found(const Token& token) {
    return token.kind == TokenKind::kEnd ? std::string("nothing follows")
                                         : fmt::format("'{}' was found", token.value);
}

std::string_view operand_name(Operand operand) noexcept {
    switch (operand) {
        case Operand::kBool:
            return "a truth value";
        case Operand::kNumber:
            return "a number";
        case Operand::kString:
            break;
    }
    return "a string";
}

class FilterParser {
public:
    explicit FilterParser(std::string_view text) : text_(text), lexer_(text) {}

    Result<FilterProgram> run() {
        ABI_CHECK(advance());
        if (token_.kind == TokenKind::kEnd) {
            return wrong(token_, "it is empty");
        }
        program_.text = text_;
        ABI_TRY(program_.root, disjunction(0));
        if (token_.kind != TokenKind::kEnd) {
            return wrong(token_, is_symbol(")")
                                     ? std::string("no parenthesis is open that ')' would close")
                                     : "AND, OR or the end was expected, but " + found(token_));
        }
        return std::move(program_);
    }

    Result<FieldPath> run_field() {
        ABI_CHECK(advance());
        ABI_TRY(FieldPath path, field());
        if (token_.kind != TokenKind::kEnd) {
            return wrong(token_, fmt::format("the field ends before '{}'", token_.value));
        }
        return path;
    }

private:
    std::unexpected<Error> wrong(const Token& token, std::string_view what,
                                 std::string hint = {}) const {
        Error error = filter_error(text_, token.at, what);
        return fail(hint.empty() ? std::move(error) : std::move(error).with_hint(std::move(hint)));
    }
    Status advance() {
        ABI_TRY(token_, lexer_.next());
        return {};
    }
    bool is_keyword(std::string_view keyword) const {
        return token_.kind == TokenKind::kWord && same_word(token_.value, keyword);
    }
    bool is_symbol(std::string_view symbol) const {
        return token_.kind == TokenKind::kSymbol && token_.value == symbol;
    }
    // Goes over the keyword when it is there.
    Result<bool> accept(std::string_view keyword) {
        if (!is_keyword(keyword)) {
            return false;
        }
        ABI_CHECK(advance());
        return true;
    }
    Status expect_symbol(std::string_view symbol, std::string_view where) {
        if (!is_symbol(symbol)) {
            return wrong(token_,
                         fmt::format("'{}' was expected {}, but {}", symbol, where, found(token_)));
        }
        return advance();
    }
    Status expect_keyword(std::string_view keyword, std::string_view where) {
        if (!is_keyword(keyword)) {
            return wrong(token_,
                         fmt::format("{} was expected {}, but {}", keyword, where, found(token_)));
        }
        return advance();
    }

    // `parts` joined by the keyword, parts of the same kind taken in.
    template <class Part>
    Result<FilterNode> chain(FilterNode::Kind kind, std::string_view keyword, Part part) {
        FilterNode node;
        node.kind = kind;
        while (true) {
            ABI_TRY(FilterNode child, part());
            if (child.kind == kind) {
                std::move(child.children.begin(), child.children.end(),
                          std::back_inserter(node.children));
            } else {
                node.children.push_back(std::move(child));
            }
            ABI_TRY(const bool more, accept(keyword));
            if (!more) {
                break;
            }
        }
        if (node.children.size() == 1) {
            FilterNode only = std::move(node.children.front());
            return only;
        }
        return node;
    }
    Result<FilterNode> disjunction(std::size_t depth) {
        return chain(FilterNode::Kind::kOr, "OR", [&] { return conjunction(depth); });
    }
    Result<FilterNode> conjunction(std::size_t depth) {
        return chain(FilterNode::Kind::kAnd, "AND", [&] { return term(depth); });
    }
    Result<FilterNode> term(std::size_t depth) {
        if (depth >= kMaxFilterDepth) {
            return wrong(token_, fmt::format("parentheses and NOT are nested deeper than {} levels",
                                             kMaxFilterDepth));
        }
        ABI_TRY(const bool negate, accept("NOT"));
        if (negate) {
            ABI_TRY(FilterNode node, term(depth + 1));
            invert(node);
            return node;
        }
        if (!is_symbol("(")) {
            return condition();
        }
        ABI_CHECK(advance());
        ABI_TRY(FilterNode node, disjunction(depth + 1));
        ABI_CHECK(expect_symbol(")", "after the condition"));
        return node;
    }
    // De Morgan's laws hold in three-valued logic too.
    static void invert(FilterNode& node) {
        if (node.kind == FilterNode::Kind::kCondition) {
            node.condition.negated = !node.condition.negated;
            return;
        }
        node.kind =
            node.kind == FilterNode::Kind::kAnd ? FilterNode::Kind::kOr : FilterNode::Kind::kAnd;
        for (FilterNode& child : node.children) {
            invert(child);
        }
    }

    Result<FilterNode> condition() {
        if (++conditions_ > kMaxFilterNodes) {
            return wrong(token_, fmt::format("there are more than {} conditions", kMaxFilterNodes));
        }
        FilterNode node;
        Condition& condition = node.condition;
        condition.field_at = token_.at;
        ABI_TRY(const FieldPath path, field());
        ABI_TRY(condition.field, field_index(path));
        path_ = print_path(path);
        condition.value_at = token_.at;
        ABI_TRY(const bool negate, accept("NOT"));
        ABI_CHECK(predicate(condition, negate));
        if (path.is_id) {
            ABI_CHECK(check_id(condition));
        }
        condition.negated = condition.negated != negate;
        return node;
    }
    Status check_id(const Condition& condition) const {
        Token at;
        at.at = condition.value_at;
        const bool fits =
            condition.kind == ConditionKind::kIsNull ||
            ((condition.kind == ConditionKind::kIn || condition.kind == ConditionKind::kRange ||
              condition.kind == ConditionKind::kPrefix) &&
             condition.operand == Operand::kString);
        if (fits) {
            return {};
        }
        return wrong(at, "'id' is the row's own id, a string, and is compared with something else",
                     "write id = \"5\"; a member of the metadata that is called id is `id` in "
                     "backquotes");
    }
    Result<FieldPath> field() {
        FieldPath path;
        path.is_id = token_.kind == TokenKind::kWord && same_word(token_.value, "ID") &&
                     token_.value == "id";
        while (true) {
            const bool reserved = token_.kind == TokenKind::kWord &&
                                  std::any_of(kReserved.begin(), kReserved.end(), [&](auto word) {
                                      return same_word(token_.value, word);
                                  });
            if (reserved ||
                (token_.kind != TokenKind::kWord && token_.kind != TokenKind::kQuoted)) {
                return wrong(token_, fmt::format("a field was expected, but {}", found(token_)),
                             reserved ? "a field of that name stands in backquotes"
                                      : "a condition is like lang = \"en\" or year >= 2020");
            }
            path.keys.push_back(token_.value);
            ABI_CHECK(advance());
            if (!is_symbol(".")) {
                break;
            }
            ABI_CHECK(advance());
            path.is_id = false;
        }
        return path;
    }
    Result<std::uint32_t> field_index(const FieldPath& path) {
        const auto known = std::find(program_.fields.begin(), program_.fields.end(), path);
        const auto index = static_cast<std::uint32_t>(known - program_.fields.begin());
        if (known == program_.fields.end()) {
            if (index == kMaxFilterFields) {
                return wrong(token_, fmt::format("it names more than {} fields", kMaxFilterFields));
            }
            program_.fields.push_back(path);
        }
        return index;
    }

    Status predicate(Condition& condition, bool negate) {
        for (const auto& [keyword, read] :
             {std::pair{std::string_view("IN"), &FilterParser::in_list},
              {"STARTS", &FilterParser::prefix},
              {"BETWEEN", &FilterParser::between},
              {"CONTAINS", &FilterParser::contains},
              {"WITHIN", &FilterParser::within}}) {
            ABI_TRY(const bool is_it, accept(keyword));
            if (is_it) {
                return (this->*read)(condition);
            }
        }
        if (!negate) {
            ABI_TRY(const bool is_null, accept("IS"));
            return is_null ? null_test(condition) : comparison(condition);
        }
        return wrong(token_,
                     fmt::format("IN, STARTS WITH, BETWEEN, CONTAINS or WITHIN was expected "
                                 "after '{} NOT', but {}",
                                 path_, found(token_)));
    }
    Status null_test(Condition& condition) {
        ABI_TRY(condition.negated, accept("NOT"));
        condition.kind = ConditionKind::kIsNull;
        return expect_keyword("NULL", "after IS");
    }
    Status comparison(Condition& condition) {
        static constexpr std::array<std::string_view, 6> kOperators = {"=",  "!=", "<",
                                                                       "<=", ">",  ">="};
        const bool known =
            token_.kind == TokenKind::kSymbol &&
            std::find(kOperators.begin(), kOperators.end(), token_.value) != kOperators.end();
        if (!known) {
            return wrong(
                token_,
                fmt::format("a comparison was expected after '{}', but {}", path_, found(token_)),
                "comparisons are = != < <= > >= IN, STARTS WITH, BETWEEN, IS NULL, "
                "CONTAINS and WITHIN BOX");
        }
        const std::string sign = token_.value;
        ABI_CHECK(advance());
        condition.value_at = token_.at;
        const Token at = token_;
        ABI_TRY(Literal value, literal(sign));
        condition.operand = operand_of(value);
        if (sign == "=" || sign == "!=") {
            condition.negated = sign == "!=";
            condition.values.push_back(std::move(value));
            return {};
        }
        ABI_CHECK(check_ordered(at, condition.operand));
        condition.kind = ConditionKind::kRange;
        const bool inclusive = sign.ends_with('=');
        (sign.starts_with('<') ? condition.high : condition.low) = {std::move(value), inclusive};
        return {};
    }
    Status check_ordered(const Token& at, Operand operand) const {
        if (operand != Operand::kBool) {
            return {};
        }
        return wrong(at, fmt::format("'{}' has no order: only numbers and strings have", at.value),
                     "compare truth values with = or !=");
    }

    Result<Literal> literal(std::string_view after) {
        Literal value;
        if (token_.kind == TokenKind::kString) {
            value = std::move(token_.value);
        } else if (token_.kind == TokenKind::kNumber) {
            value = token_.number;
        } else if (is_keyword("TRUE") || is_keyword("FALSE")) {
            value = is_keyword("TRUE");
        } else if (is_keyword("NULL")) {
            return wrong(token_, "nothing compares with NULL",
                         fmt::format("write {0} IS NULL or {0} IS NOT NULL", path_));
        } else {
            const bool bare = token_.kind == TokenKind::kWord;
            return wrong(
                token_,
                fmt::format("a value was expected after '{}', but {}", after, found(token_)),
                bare ? fmt::format("strings stand in quotes: \"{}\"", token_.value)
                     : std::string());
        }
        ABI_CHECK(advance());
        return value;
    }
    // A literal of the operand that the condition has, or of any when it is the first one.
    Result<Literal> like(const Condition& condition, bool first, std::string_view after) {
        const Token at = token_;
        ABI_TRY(Literal value, literal(after));
        if (!first && operand_of(value) != condition.operand) {
            return wrong(at,
                         fmt::format("{} stands beside {}", operand_name(operand_of(value)),
                                     operand_name(condition.operand)),
                         "give values of one type");
        }
        return value;
    }

    Status in_list(Condition& condition) {
        ABI_CHECK(expect_symbol("(", "after IN"));
        condition.value_at = token_.at;
        while (true) {
            const bool first = condition.values.empty();
            ABI_TRY(Literal value, like(condition, first, first ? "IN (" : ","));
            condition.operand = operand_of(value);
            condition.values.push_back(std::move(value));
            if (!is_symbol(",")) {
                break;
            }
            ABI_CHECK(advance());
        }
        auto& values = condition.values;
        std::sort(values.begin(), values.end(),
                  [](const Literal& a, const Literal& b) { return compare(a, b) < 0; });
        values.erase(
            std::unique(values.begin(), values.end(),
                        [](const Literal& a, const Literal& b) { return compare(a, b) == 0; }),
            values.end());
        return expect_symbol(")", "after the values of IN");
    }
    Status prefix(Condition& condition) {
        ABI_CHECK(expect_keyword("WITH", "after STARTS"));
        return one_value(condition, ConditionKind::kPrefix, "STARTS WITH");
    }
    Status contains(Condition& condition) {
        return one_value(condition, ConditionKind::kContains, "CONTAINS");
    }
    Status one_value(Condition& condition, ConditionKind kind, std::string_view after) {
        condition.kind = kind;
        condition.value_at = token_.at;
        const Token at = token_;
        ABI_TRY(Literal value, literal(after));
        condition.operand = operand_of(value);
        if (kind == ConditionKind::kPrefix && condition.operand != Operand::kString) {
            return wrong(at,
                         fmt::format("a string was expected after STARTS WITH, but {} was found",
                                     operand_name(condition.operand)));
        }
        condition.values.push_back(std::move(value));
        return {};
    }
    Status between(Condition& condition) {
        condition.kind = ConditionKind::kRange;
        condition.value_at = token_.at;
        const Token at = token_;
        ABI_TRY(Literal low, literal("BETWEEN"));
        condition.operand = operand_of(low);
        ABI_CHECK(check_ordered(at, condition.operand));
        ABI_CHECK(expect_keyword("AND", "between the two values of BETWEEN"));
        ABI_TRY(Literal high, like(condition, false, "AND"));
        condition.low = {std::move(low), true};
        condition.high = {std::move(high), true};
        return {};
    }

    Result<double> degrees(std::string_view what, double limit) {
        if (token_.kind != TokenKind::kNumber) {
            return wrong(token_, fmt::format("{} was expected, but {}", what, found(token_)),
                         "a box is WITHIN BOX(south, west, north, east), in degrees");
        }
        const double value = token_.number.as_double();
        if (value < -limit || value > limit) {
            return wrong(token_, fmt::format("'{}' is no {}: it goes from {} to {} degrees",
                                             token_.value, what, -limit, limit));
        }
        ABI_CHECK(advance());
        return value;
    }
    Status within(Condition& condition) {
        condition.kind = ConditionKind::kWithin;
        ABI_CHECK(expect_keyword("BOX", "after WITHIN"));
        ABI_CHECK(expect_symbol("(", "after BOX"));
        condition.value_at = token_.at;
        GeoBox& box = condition.box;
        const auto comma = [&] { return expect_symbol(",", "between the numbers of BOX"); };
        ABI_TRY(box.south, degrees("latitude", 90));
        ABI_CHECK(comma());
        ABI_TRY(box.west, degrees("longitude", 180));
        ABI_CHECK(comma());
        const Token at = token_;
        ABI_TRY(box.north, degrees("latitude", 90));
        ABI_CHECK(comma());
        ABI_TRY(box.east, degrees("longitude", 180));
        if (box.south > box.north) {
            return wrong(at, "the box's second latitude lies south of its first",
                         "a box is WITHIN BOX(south, west, north, east), in degrees");
        }
        return expect_symbol(")", "after the four numbers of BOX");
    }

    std::string_view text_;
    FilterLexer lexer_;
    Token token_;
    FilterProgram program_;
    std::string path_;  // of the condition being read, for messages
    std::size_t conditions_ = 0;
};
}  // namespace

Result<FieldPath> parse_field(std::string_view text) {
    auto path = FilterParser(text).run_field();
    if (!path) {
        return fail(Code::kInvalidArgument, fmt::format("'{}' is no field of metadata", text),
                    "a field is like lang, a.b, or `any text` in backquotes");
    }
    return path;
}

Result<std::vector<std::string>> metadata_keys(std::string_view field) {
    return guarded([&]() -> Result<std::vector<std::string>> {
        ABI_TRY(FieldPath path, parse_field(field));
        if (path.is_id) {
            return fail(Code::kInvalidArgument, "'id' is no field of metadata",
                        "a member of that name stands in backquotes: `id`");
        }
        return std::move(path.keys);
    });
}

Filter::Filter(std::shared_ptr<const FilterProgram> program) : program_(std::move(program)) {}

const std::string& Filter::text() const noexcept {
    return program_->text;
}

Result<Filter> Filter::parse(std::string_view text) {
    return guarded([&]() -> Result<Filter> {
        if (text.size() > kMaxFilterBytes) {
            return fail(Code::kInvalidArgument,
                        fmt::format("the filter has {} bytes, at most {} are allowed", text.size(),
                                    kMaxFilterBytes));
        }
        if (!text::utf8_valid(text)) {
            return fail(Code::kInvalidArgument, "the filter is not valid UTF-8");
        }
        ABI_TRY(FilterProgram program, FilterParser(text).run());
        return Filter(std::make_shared<const FilterProgram>(std::move(program)));
    });
}

}  // namespace abikit::storage
