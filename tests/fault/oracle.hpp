// What a database should hold: the plain model that random tests compare with.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "rows.hpp"

namespace abikit::storage::test {

// One batch, as it is told to the database and to the oracle.
struct Change {
    std::vector<Row> rows;
    std::vector<std::string> deletes;
    WriteMode mode = WriteMode::kUpsert;
};

// Rows by id, with the moment of their insertion. Value semantics: a copy is a snapshot.
class Oracle {
public:
    // What commit() should answer: its counts, or the code it fails with; a failure changes
    // nothing.
    struct Answer {
        std::optional<Code> failure = {};
        CommitInfo info = {};
    };
    Answer apply(const Change& change) {
        Oracle after = *this;
        Answer answer = after.apply_here(change);
        if (!answer.failure) {
            *this = std::move(after);
        }
        return answer;
    }
    std::vector<Row> rows() const {
        std::map<std::uint64_t, const Row*> by_moment;
        for (const auto& [id, entry] : entries_) {
            by_moment[entry.moment] = &entry.row;
        }
        std::vector<Row> rows;
        for (const auto& [moment, row] : by_moment) {
            rows.push_back(*row);
        }
        return rows;
    }
    const Row* find(const std::string& id) const {
        const auto found = entries_.find(id);
        return found == entries_.end() ? nullptr : &found->second.row;
    }
    std::size_t size() const { return entries_.size(); }
    // An optimize embedded every text again: takes over the vectors of the same rows.
    void take_vectors(const std::vector<Row>& rows) {
        for (const Row& row : rows) {
            if (const auto found = entries_.find(*row.id); found != entries_.end()) {
                found->second.row.vector = row.vector;
            }
        }
    }

private:
    struct Entry {
        std::uint64_t moment = 0;
        Row row;
    };
    static std::optional<std::uint64_t> integer(const std::string& id) {
        const bool digits =
            !id.empty() && id.size() < 19 &&
            std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
        if (!digits || (id.size() > 1 && id[0] == '0')) {
            return std::nullopt;
        }
        return std::stoull(id);
    }

    Answer apply_here(const Change& change) {
        Answer answer;
        for (const std::string& id : change.deletes) {
            (entries_.erase(id) != 0 ? answer.info.deleted : answer.info.missing) += 1;
        }
        std::set<std::string> brought;
        for (std::size_t i = 0; i < change.rows.size(); ++i) {
            Row row = change.rows[i];
            if (!row.id) {
                row.id = std::to_string(next_ordinal_);
            }
            if (const auto number = integer(*row.id); number && *number >= next_ordinal_) {
                next_ordinal_ = *number + 1;
            }
            if (i == 0) {
                answer.info.first_id = *row.id;
            }
            const bool there = entries_.contains(*row.id);
            if (change.mode == WriteMode::kInsert && there) {
                answer.failure = Code::kAlreadyExists;
                return answer;
            }
            if (change.mode == WriteMode::kUpdate && !there) {
                answer.failure = Code::kNotFound;
                return answer;
            }
            (there ? answer.info.replaced : answer.info.added) += 1;
            entries_[*row.id] = {moment_++, row};
        }
        return answer;
    }

    std::map<std::string, Entry> entries_;
    std::uint64_t next_ordinal_ = 0;
    std::uint64_t moment_ = 0;
};

// Makes random changes over a small set of ids, so that they meet.
class ChangeMaker {
public:
    // Batches have at most `most_rows` rows.
    ChangeMaker(std::uint64_t seed, std::uint32_t dimension, std::uint64_t most_rows = 8)
        : random_(seed), dimension_(dimension), most_rows_(most_rows) {}
    Random& random() { return random_; }
    // What vectors are from here on; numbers that are not float32 are such that all can hold them.
    void set_shape(std::uint32_t dimension, ElementType element) {
        dimension_ = dimension;
        element_ = element;
    }

    Change change() {
        Change made;
        const double kind = random_.uniform();
        made.mode = kind < 0.7    ? WriteMode::kUpsert
                    : kind < 0.85 ? WriteMode::kInsert
                                  : WriteMode::kUpdate;
        const std::uint64_t rows =
            made.mode == WriteMode::kUpsert ? random_.below(most_rows_ + 1) : 1 + random_.below(2);
        for (std::uint64_t i = 0; i < rows; ++i) {
            made.rows.push_back(row());
        }
        for (std::uint64_t i = random_.chance(0.4) ? random_.below(6) : 0; i > 0; --i) {
            made.deletes.push_back(some_id());
        }
        return made;
    }
    Row row() {
        Row made;
        made.vector = vector();
        if (random_.chance(0.05)) {
            made.vector.assign(dimension_, 0.0F);
        }
        if (!random_.chance(0.15)) {
            made.id = some_id();
        }
        if (random_.chance(0.5)) {
            made.text = std::string(random_.below(40), static_cast<char>('a' + random_.below(26)));
        }
        if (random_.chance(0.3)) {
            made.metadata = "{\"n\":" + std::to_string(random_.below(1000)) + "}";
        }
        return made;
    }
    std::string some_id() {
        return random_.chance(0.3) ? std::to_string(random_.below(30))
                                   : "id-" + std::to_string(random_.below(25));
    }

private:
    std::vector<float> vector() {
        if (element_ == ElementType::kFloat32) {
            return random_vector(random_, dimension_);
        }
        std::vector<float> made(dimension_);
        for (float& value : made) {
            value = element_ == ElementType::kBits ? static_cast<float>(random_.below(2))
                                                   : static_cast<float>(random_.between(-8, 8));
        }
        return made;
    }

    Random random_;
    std::uint32_t dimension_;
    ElementType element_ = ElementType::kFloat32;
    std::uint64_t most_rows_;
};

}  // namespace abikit::storage::test
