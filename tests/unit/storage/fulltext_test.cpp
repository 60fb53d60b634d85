// Full-text search: packing and cursors, the query language, and ranking against a plain reference
// that reads every text.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <abi/storage/row_set.hpp>
#include <abi/storage/text_search.hpp>

#include "storage/format.hpp"
#include "storage/fulltext/bit_pack.hpp"
#include "storage/fulltext/bm25.hpp"
#include "storage/fulltext/posting_cursor.hpp"
#include "storage/fulltext/text_index.hpp"
#include "storage/fulltext/text_index_writer.hpp"
#include "storage/segment_format.hpp"
#include "support.hpp"
#include "text/search_words.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::fulltext;
using namespace abikit::storage::test;

namespace {

std::string index_of(const std::vector<std::optional<std::string>>& texts) {
    std::string bytes;
    TextIndexWriter writer([&](std::span<const std::byte> more) {
        bytes += as_text(more);
        return Status();
    });
    for (const auto& text : texts) {
        must(writer.add(text));
    }
    must(writer.finish());
    return bytes;
}

std::shared_ptr<const TextIndex> open_index(const std::vector<std::optional<std::string>>& texts) {
    return must(TextIndex::adopt(index_of(texts), texts.size()));
}

// The words of a text with their positions, as the index sees them.
std::multimap<std::string, std::uint32_t> words_of(std::string_view text, std::uint32_t& length) {
    std::multimap<std::string, std::uint32_t> words;
    length = 0;
    text::SearchWords cutter;
    cutter.visit(text, [&](const text::SearchWord& word) {
        words.emplace(std::string(word.bytes), word.position);
        length = std::max(length, word.position + 1);
    });
    return words;
}

// Ranking without any index: counts in every text that the database stores, scores by the formula.
class Oracle {
public:
    struct Document {
        RowNumber row = 0;
        bool live = true;
        std::multimap<std::string, std::uint32_t> words;
        std::uint32_t length = 0;
    };
    std::vector<Document> documents;

    void add(RowNumber row, bool live, std::string_view text) {
        Document document{row, live, {}, 0};
        document.words = words_of(text, document.length);
        total_ += document.length;
        documents.push_back(std::move(document));
    }

    std::vector<TextHit> search(const TextQuery& query, const TextSearchOptions& options) const {
        std::vector<double> holders(query.items().size());
        for (std::size_t i = 0; i < holders.size(); ++i) {
            for (const Document& document : documents) {
                holders[i] += frequency(document, query.items()[i]) != 0 ? 1 : 0;
            }
        }
        std::vector<TextHit> hits;
        for (const Document& document : documents) {
            double score = 0;
            std::size_t found = 0, wanted = 0;
            bool excluded = false;
            for (std::size_t i = 0; i < holders.size(); ++i) {
                const TextQuery::Item& item = query.items()[i];
                const double tf = frequency(document, item);
                wanted += item.excluded ? 0 : 1;
                excluded = excluded || (item.excluded && tf != 0);
                if (!item.excluded && tf != 0) {
                    ++found;
                    score += score_of(document, tf, holders[i]);
                }
            }
            const bool enough = options.match == TextMatch::kAll ? found == wanted : found != 0;
            if (enough && !excluded && document.live &&
                (options.rows == nullptr || options.rows->contains(document.row))) {
                hits.push_back({document.row, score});
            }
        }
        std::stable_sort(hits.begin(), hits.end(),
                         [](const TextHit& a, const TextHit& b) { return a.score > b.score; });
        return hits;
    }

private:
    static double frequency(const Document& document, const TextQuery::Item& item) {
        const auto stands = [&](const TextQuery::Word& word, std::uint32_t position) {
            for (auto at = document.words.lower_bound(word.bytes);
                 at != document.words.end() && at->first.starts_with(word.bytes); ++at) {
                if (at->second == position && (word.prefix || at->first == word.bytes)) {
                    return true;
                }
            }
            return false;
        };
        if (item.words.size() == 1) {  // a beginning counts every word that begins so
            double count = 0;
            for (const auto& [bytes, position] : document.words) {
                const bool same = bytes == item.words[0].bytes;
                const bool begins = item.words[0].prefix && bytes.starts_with(item.words[0].bytes);
                count += same || begins ? 1 : 0;
            }
            return count;
        }
        double count = 0;
        for (std::uint32_t start = 0; start < document.length; ++start) {
            count += std::all_of(item.words.begin(), item.words.end(),
                                 [&](const TextQuery::Word& word) {
                                     return stands(word, start + word.position);
                                 })
                         ? 1
                         : 0;
        }
        return count;
    }
    double score_of(const Document& document, double tf, double holders) const {
        const auto n = static_cast<double>(documents.size());
        const double mean = static_cast<double>(total_) / n;
        const double idf = std::log(1 + (n - holders + 0.5) / (holders + 0.5));
        return idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * document.length / mean));
    }
    std::uint64_t total_ = 0;
};

// Zipf-like words: w0 stands nearly everywhere, high numbers are rare.
std::string random_word(Random& random, std::uint64_t vocabulary) {
    const double u = random.uniform();
    const auto rank =
        static_cast<std::uint64_t>(std::pow(static_cast<double>(vocabulary), u * u) - 1.0);
    return "w" + std::to_string(rank);
}

std::string random_text(Random& random, std::uint64_t vocabulary) {
    std::string text;
    const std::uint64_t words = random.below(60);
    for (std::uint64_t i = 0; i < words; ++i) {
        text += random_word(random, vocabulary);
        text += random.below(8) == 0 ? ". " : " ";
    }
    return text;
}

std::string random_query(Random& random, std::uint64_t vocabulary) {
    std::string query;
    const std::uint64_t items = 1 + random.below(5);
    for (std::uint64_t i = 0; i < items; ++i) {
        query += i != 0 && random.below(6) == 0 ? "-" : "";
        const std::uint64_t kind = random.below(6);
        if (kind == 0) {
            query += '"' + random_word(random, vocabulary) + ' ' + random_word(random, 40) + '"';
            query += random.below(3) == 0 ? "* " : " ";
        } else if (kind == 1) {
            query += random_word(random, 60) + "* ";
        } else {
            query += random_word(random, vocabulary) + ' ';
        }
    }
    return query;
}

// Scores may differ by the rounding of single precision; rows of nearly equal scores may swap.
void check_same(const std::vector<TextHit>& hits, const std::vector<TextHit>& expected,
                std::size_t k) {
    REQUIRE(hits.size() == std::min(k, expected.size()));
    std::map<RowNumber, double> scores;
    for (const TextHit& hit : expected) {
        scores[hit.row] = hit.score;
    }
    for (std::size_t i = 0; i < hits.size(); ++i) {
        const double tolerance = 1e-5 * (1 + expected[i].score);
        CHECK(std::abs(hits[i].score - expected[i].score) < tolerance);
        REQUIRE(scores.contains(hits[i].row));
        CHECK(std::abs(hits[i].score - scores[hits[i].row]) < tolerance);
        CHECK((i == 0 || hits[i - 1].score > hits[i].score ||
               (hits[i - 1].score == hits[i].score && hits[i - 1].row < hits[i].row)));
    }
}

// Rows with texts in several segments and the log, some deleted or replaced, some without a text.
struct Library {
    MemoryStore store;
    std::optional<Database> database;
    std::map<std::string, std::optional<std::string>> live;

    Library(std::uint64_t seed, std::size_t rows, std::uint64_t vocabulary, int parts) {
        database = store.create(2, Metric::kL2);
        Random random(seed);
        for (int part = 0; part < parts; ++part) {
            std::vector<Row> batch;
            std::vector<std::string> deletes;
            for (std::size_t i = 0; i < rows; ++i) {
                Row row{"r" + std::to_string(random.below(rows * 3)), {0, 1}, {}, {}};
                if (random.below(10) != 0) {
                    row.text = random_text(random, vocabulary);
                }
                batch.push_back(row);
            }
            must(commit(*database, batch, WriteMode::kUpsert, deletes));
            if (part + 1 != parts) {
                must(database->checkpoint());
            }
        }
    }
    Snapshot snapshot() const { return database->snapshot(); }
};

// Every row that is stored, deleted ones too: they count in the statistics until they are dropped.
Oracle oracle_of(const Snapshot& snapshot) {
    std::set<RowNumber> live;
    must(snapshot.scan(0, [&](RowNumber row) -> Result<bool> {
        live.insert(row);
        return true;
    }));
    const SnapshotStats stats = snapshot.stats();
    Oracle oracle;
    for (RowNumber row = 0; row < stats.rows + stats.deleted_rows; ++row) {
        if (const auto text = must(snapshot.read_text(row))) {
            oracle.add(row, live.contains(row), *text);
        }
    }
    return oracle;
}

RowSet every_third(std::uint64_t rows) {
    std::vector<std::uint64_t> words((rows + 63) / 64);
    for (std::uint64_t row = 0; row < rows; row += 3) {
        words[row / 64] |= std::uint64_t{1} << (row % 64);
    }
    return RowSet(std::move(words), rows);
}

std::vector<std::string> folded(std::string_view text) {
    std::vector<std::string> words;
    text::SearchWords cutter;
    cutter.visit(text, [&](const text::SearchWord& word) {
        words.emplace_back(word.bytes);
        CHECK(word.begin < word.end);
        CHECK(word.end <= text.size());
    });
    return words;
}

}  // namespace

TEST_SUITE("fulltext") {
    TEST_CASE("words are folded and lose their accents") {
        using Words = std::vector<std::string>;
        CHECK(folded("The quick-brown fox's 42nd") ==
              Words{"the", "quick", "brown", "fox", "s", "42nd"});
        CHECK(folded("Crème BRÛLÉE, Ångström") == Words{"creme", "brulee", "angstrom"});
        CHECK(folded("e\xCC\x81t\xC3\xA9") == Words{"ete"});
        CHECK(folded("Straße ﬁne") == Words{"strasse", "fine"});
        CHECK(folded("co\xC2\xADoperate") == Words{"cooperate"});
        CHECK(folded("ΟΔΟΣ ёлка") == Words{"οδοσ", "елка"});
        CHECK(folded("हिन्दी") == Words{"हिन्दी"});
        CHECK(folded("東京都") == Words{"東", "京", "東京", "都", "京都"});
        CHECK(folded("").empty());
        CHECK(folded("-- !?").empty());
        CHECK(folded(std::string(130, 'a')) ==
              Words{std::string(64, 'a'), std::string(64, 'a'), "aa"});
    }

    TEST_CASE("words know their place") {
        const std::string text = "A naïve 東京 test";
        std::vector<std::string> cut;
        std::vector<std::uint32_t> positions;
        text::SearchWords cutter;
        cutter.visit(text, [&](const text::SearchWord& word) {
            cut.push_back(text.substr(word.begin, word.end - word.begin));
            positions.push_back(word.position);
        });
        CHECK(cut == std::vector<std::string>{"A", "naïve", "東", "京", "東京", "test"});
        CHECK(positions == std::vector<std::uint32_t>{0, 1, 2, 3, 2, 4});
    }

    TEST_CASE("every width packs and unpacks") {
        Random random(seed_or(7));
        for (unsigned bits = 0; bits <= 32; ++bits) {
            std::array<std::uint32_t, kBlockPostings> values{}, read{};
            for (std::uint32_t& value : values) {
                value = static_cast<std::uint32_t>(random.below(std::uint64_t{1} << bits));
            }
            values[5] = static_cast<std::uint32_t>((std::uint64_t{1} << bits) - 1);
            CHECK(bits_needed(values) == bits);
            std::string packed;
            pack_block(values, bits, packed);
            REQUIRE(packed.size() == packed_bytes(bits));
            unpack_block(as_bytes(packed).data(), bits, read.data());
            CHECK(read == values);
        }
    }

    TEST_CASE("impacts round to the safe side") {
        std::uint8_t before = 0;
        for (std::uint32_t value = 0; value < 5000; ++value) {
            const std::uint8_t code = encode_impact(value);
            CHECK(code >= before);
            CHECK(decode_impact(code) <= value);
            CHECK(decode_impact_up(encode_impact_up(value)) >= static_cast<float>(value));
            before = code;
        }
        CHECK(encode_impact(0xFFFFFFFFU) == 254);
        CHECK(std::isinf(decode_impact_up(encode_impact_up(0xFFFFFFFFU))));
    }

    TEST_CASE("scores never fall with frequency nor rise with length") {
        const Bm25 bm25(1000, 40000);
        const float weight = bm25.weight(3);
        for (std::uint32_t length = 1; length < 300; length += 21) {
            for (std::uint32_t tf = 1; tf < 300; ++tf) {
                const auto score = [&](std::uint32_t f, std::uint32_t l) {
                    return bm25.score(weight, static_cast<float>(f), static_cast<float>(l));
                };
                CHECK(score(tf, length) <= score(tf + 1, length));
                CHECK(score(tf, length) >= score(tf, length + 1));
            }
        }
    }

    TEST_CASE("an index gives back every word, row, frequency and position") {
        Random random(seed_or(11));
        std::vector<std::optional<std::string>> texts;
        std::map<std::string, std::map<std::uint32_t, std::vector<std::uint32_t>>> expected;
        for (std::uint32_t row = 0; row < 1500; ++row) {
            texts.push_back(random.below(9) == 0 ? std::nullopt
                                                 : std::optional(random_text(random, 3000)));
            std::uint32_t length = 0;
            for (const auto& [word, position] : words_of(texts.back().value_or(""), length)) {
                expected[word][row].push_back(position);
            }
        }
        const auto index = open_index(texts);
        must(index->audit());
        REQUIRE(index->parts().size() == 1);
        const TextPart& part = index->parts().front();
        CHECK(part.entry().terms == expected.size());
        auto next = expected.begin();
        must(part.visit_prefix("", [&](std::string_view name, const TermEntry& term) -> Status {
            REQUIRE(next != expected.end());
            CHECK(name == next->first);
            CHECK(term.documents == next->second.size());
            PostingCursor cursor;
            must(cursor.open(part, term, Bm25(10, 10), 100.0F, PostingCursor::Positions::kYes));
            for (auto& [row, positions] : next->second) {
                std::sort(positions.begin(), positions.end());
                CHECK(cursor.row() == row);
                CHECK(cursor.frequency() == positions.size());
                CHECK(cursor.score() <= cursor.bound(row).score);
                CHECK(cursor.bound(row).score <= cursor.highest());
                std::vector<std::uint32_t> read;
                REQUIRE(cursor.positions(read));
                CHECK(read == positions);
                cursor.next();
            }
            CHECK(cursor.row() == PostingCursor::kEnd);
            ++next;
            return {};
        }));
        CHECK(next == expected.end());
        CHECK(!must(part.find("absent")));
        CHECK(!must(part.find("")));
        CHECK(!must(part.find("zzz")));
    }

    TEST_CASE("cursors advance to where they are told") {
        Random random(seed_or(13));
        std::vector<std::optional<std::string>> texts(5000, "filler");
        std::vector<std::uint32_t> rows;
        for (std::uint32_t row = 0; row < texts.size(); ++row) {
            if (random.below(4) == 0) {
                texts[row] = "wanted filler";
                rows.push_back(row);
            }
        }
        const auto index = open_index(texts);
        const TextPart& part = index->parts().front();
        const TermEntry term = must(part.find("wanted")).value();
        for (int round = 0; round < 200; ++round) {
            PostingCursor cursor;
            must(cursor.open(part, term, Bm25(10, 10), 1.0F, PostingCursor::Positions::kYes));
            std::uint32_t target = 0;
            while (cursor.row() != PostingCursor::kEnd) {
                target += static_cast<std::uint32_t>(1 + random.below(round < 100 ? 40 : 1500));
                const auto expected = std::lower_bound(rows.begin(), rows.end(), target);
                const PostingCursor::Bound bound = cursor.bound(target);
                cursor.advance(target);
                CHECK(cursor.row() == (expected == rows.end() ? PostingCursor::kEnd : *expected));
                if (expected != rows.end()) {
                    CHECK(bound.last_row >= *expected);
                    std::vector<std::uint32_t> positions;
                    REQUIRE(cursor.positions(positions));
                    CHECK(positions == std::vector<std::uint32_t>{0});
                }
            }
            CHECK(cursor.ok());
        }
    }

    TEST_CASE("the best rows are those of an exhaustive search") {
        const std::uint64_t seed = seed_or(20261124);
        MESSAGE("ABI_TEST_SEED=" << seed);
        Random random(seed);
        for (const std::uint64_t vocabulary : {30, 300, 20000}) {
            const Library library(random.below(1U << 30U), much(700, 500), vocabulary, 4);
            const Snapshot snapshot = library.snapshot();
            const Oracle oracle = oracle_of(snapshot);
            const SnapshotStats stats = snapshot.stats();
            const RowSet thirds = every_third(stats.rows + stats.deleted_rows);
            for (int round = 0; round < much(120, 12); ++round) {
                const std::string text = random_query(random, vocabulary);
                CAPTURE(text);
                const auto query = TextQuery::parse(text);
                if (!query) {
                    continue;  // only exclusions
                }
                TextSearchOptions options;
                options.k = 1 + random.below(round % 3 == 0 ? 2000 : 20);
                options.match = round % 4 == 3 ? TextMatch::kAll : TextMatch::kAny;
                if (round % 5 == 4) {
                    options.rows = &thirds;
                }
                const auto result =
                    must(snapshot.search_text(library.store.context, *query, options));
                CHECK(result.notes.empty());
                check_same(result.hits, oracle.search(*query, options), options.k);
            }
        }
    }

    TEST_CASE("pruning changes nothing") {
        // The same query for all rows scores without pruning; its beginning is any smaller answer.
        Random random(seed_or(5));
        const Library library(random.below(1U << 30U), much(3000, 1500), 500, 3);
        const Snapshot snapshot = library.snapshot();
        for (int round = 0; round < much(60, 15); ++round) {
            const auto query = TextQuery::parse(random_query(random, 500));
            if (!query) {
                continue;
            }
            TextSearchOptions options;
            options.k = 100000;
            const auto all = must(snapshot.search_text(library.store.context, *query, options));
            options.k = 1 + random.below(50);
            const auto few = must(snapshot.search_text(library.store.context, *query, options));
            REQUIRE(few.hits.size() == std::min(options.k, all.hits.size()));
            for (std::size_t i = 0; i < few.hits.size(); ++i) {
                CHECK(few.hits[i].row == all.hits[i].row);
                CHECK(few.hits[i].score == all.hits[i].score);
            }
        }
    }

    TEST_CASE("rows in the log and in segments score the same") {
        MemoryStore store;
        Database database = store.create();
        Random random(seed_or(3));
        std::vector<Row> rows;
        for (int i = 0; i < 1300; ++i) {
            rows.push_back({std::to_string(i), {1, 2}, random_text(random, 200), {}});
        }
        must(commit(database, rows));
        const TextQuery query = must(TextQuery::parse("w3 w10 \"w1 w0\" w2*"));
        const auto before = must(database.snapshot().search_text(store.context, query, {.k = 40}));
        must(database.checkpoint());
        const auto after = must(database.snapshot().search_text(store.context, query, {.k = 40}));
        REQUIRE(before.hits.size() == 40);
        REQUIRE(after.hits.size() == 40);
        for (std::size_t i = 0; i < 40; ++i) {
            CHECK(before.hits[i].row == after.hits[i].row);
            CHECK(before.hits[i].score == after.hits[i].score);
        }
    }

    TEST_CASE("a damaged index is answered from the texts and made again") {
        const Library library(99, 400, 300, 2);
        MemoryStore& store = const_cast<MemoryStore&>(library.store);
        must(const_cast<Database&>(*library.database).checkpoint());
        const TextQuery query = must(TextQuery::parse("w1 w5 w9"));
        const auto sound = must(library.snapshot().search_text(store.context, query, {.k = 1000}));
        const std::string name = store.files("seg-").front();
        const std::string bytes = whole(store.fs, store.file(name));
        const SegmentHeader header = must(decode_segment_header(bytes, bytes.size(), name));
        const auto section =
            std::find_if(header.sections.begin(), header.sections.end(),
                         [](const Section& s) { return s.kind == SectionKind::kFullText; });
        REQUIRE(section != header.sections.end());
        for (const std::uint64_t at :
             {std::uint64_t{0}, section->length / 2, section->length - 1}) {
            put(store.fs, store.file(name), bytes);
            flip(store.fs, store.file(name), section->offset + at);
            const Database database = store.open(AccessMode::kRead);
            CHECK(must(verify(store.context, store.path)).faults_total == 1);
            const auto hits =
                must(database.snapshot().search_text(store.context, query, {.k = 1000}));
            REQUIRE(hits.hits.size() == sound.hits.size());
            for (std::size_t i = 0; i < hits.hits.size(); ++i) {
                CHECK(hits.hits[i].row == sound.hits[i].row);
                CHECK(hits.hits[i].score == sound.hits[i].score);
            }
        }
    }
}
