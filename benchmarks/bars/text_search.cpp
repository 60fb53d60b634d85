// BM25 over 1,000,000 generated documents (Zipf words, 20 to 60 of them each): queries of three
// words that 0.1 to 10 % of the documents have, one thread, the ten best; and the same fused with a
// vector's. SQLite's FTS5 indexes the same documents and answers in turns, where it is installed.
// Prints the figures and exits 1 when a bar is missed. Arguments: a directory on a disk, a number
// of documents.
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <memory>
#include <numeric>
#include <vector>

#include <abi/core/random.hpp>
#include <abi/storage/text_search.hpp>

#include "bars/db_tools.hpp"

#if ABI_HAVE_SQLITE
#include <sqlite3.h>
#endif

namespace {

using namespace abikit;
using namespace abikit::bars;

constexpr std::uint32_t kWords = 200000, kDim = 8;
constexpr std::size_t kQueries = 300, kTop = 10;
constexpr double kMaxMs = 2.0, kMaxFusionMs = 1.0;

// Generated documents, and how many have each word.
struct Corpus {
    std::vector<std::string> documents;
    std::vector<std::uint32_t> holders = std::vector<std::uint32_t>(kWords);
    std::uint64_t bytes = 0, words = 0, postings = 0;

    explicit Corpus(std::size_t count) {
        Random random(1);
        std::vector<std::uint32_t> ids;
        documents.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            ids.resize(20 + random.below(41));
            std::string text;
            for (std::uint32_t& id : ids) {
                // The inverse of Zipf's distribution with exponent 1.
                id = static_cast<std::uint32_t>(std::pow(double{kWords}, random.uniform())) - 1;
                text += word(id) + ' ';
            }
            words += ids.size();
            std::sort(ids.begin(), ids.end());
            ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
            for (const std::uint32_t id : ids) {
                ++holders[id];
            }
            postings += ids.size();
            bytes += text.size();
            documents.push_back(std::move(text));
        }
    }
    // Letters only, longer for rarer words, as in prose.
    static std::string word(std::uint32_t id) {
        std::string letters;
        for (std::uint64_t rest = std::uint64_t{id} * 7 + 30; rest != 0; rest /= 26) {
            letters += static_cast<char>('a' + rest % 26);
        }
        return letters;
    }
    // Three words, the logarithm of their frequency uniform between 0.1 and 10 %.
    std::vector<std::array<std::string, 3>> queries() const {
        std::vector<std::uint32_t> order(kWords);
        std::iota(order.begin(), order.end(), 0U);
        std::sort(order.begin(), order.end(),
                  [&](std::uint32_t a, std::uint32_t b) { return holders[a] < holders[b]; });
        Random random(2);
        std::vector<std::array<std::string, 3>> queries(kQueries);
        for (auto& query : queries) {
            for (std::string& word : query) {
                const double share = 0.001 * std::pow(100.0, random.uniform());
                const auto wanted =
                    static_cast<std::uint32_t>(share * static_cast<double>(documents.size()));
                const auto found = std::lower_bound(
                    order.begin(), order.end(), wanted,
                    [&](std::uint32_t id, std::uint32_t value) { return holders[id] < value; });
                word = Corpus::word(found == order.end() ? order.back() : *found);
            }
        }
        return queries;
    }
};

// Sums the spans of index building.
class IndexTime : public TraceSink {
public:
    void span(std::string_view, std::string_view name, std::uint64_t start_ns,
              std::uint64_t end_ns) noexcept override {
        if (name == "index_texts") {
            ns += end_ns - start_ns;
        }
    }
    std::atomic<std::uint64_t> ns{0};
};

storage::Database fill(const Context& context, const std::string& path, const Corpus& corpus) {
    storage::CreateOptions options;
    options.dimension = kDim;
    options.metric = storage::Metric::kL2;
    storage::Database database = must(storage::Database::create(context, path, options));
    Random random(3);
    constexpr std::size_t kBatch = 50000;
    std::vector<float> vectors;
    for (std::size_t at = 0; at < corpus.documents.size(); at += kBatch) {
        const std::size_t count = std::min(kBatch, corpus.documents.size() - at);
        vectors.resize(count * kDim);
        for (float& value : vectors) {
            value = static_cast<float>(random.uniform());
        }
        data::RecordBatch batch = rows_of(vectors.data(), kDim, 0, count);
        for (std::size_t i = 0; i < count; ++i) {
            batch.texts.append(corpus.documents[at + i]);
        }
        must(database.commit({&batch, {}, storage::WriteMode::kInsert}));
    }
    must(database.checkpoint());
    return database;
}

#if ABI_HAVE_SQLITE
class Fts5 {
public:
    Fts5(const std::string& path, const Corpus& corpus) {
        check(sqlite3_open(path.c_str(), &db_));
        run("PRAGMA journal_mode=OFF");
        run("PRAGMA synchronous=OFF");
        run("PRAGMA mmap_size=4294967296");
        run("PRAGMA cache_size=-262144");
        run("CREATE VIRTUAL TABLE docs USING fts5(body, content='')");
        const double start = now_s();
        run("BEGIN");
        sqlite3_stmt* insert = nullptr;
        check(sqlite3_prepare_v2(db_, "INSERT INTO docs(rowid, body) VALUES (?, ?)", -1, &insert,
                                 nullptr));
        for (std::size_t i = 0; i < corpus.documents.size(); ++i) {
            const std::string& text = corpus.documents[i];
            sqlite3_bind_int64(insert, 1, static_cast<sqlite3_int64>(i + 1));
            sqlite3_bind_text(insert, 2, text.data(), static_cast<int>(text.size()), nullptr);
            if (sqlite3_step(insert) != SQLITE_DONE) {
                stop("sqlite: insert failed");
            }
            sqlite3_reset(insert);
        }
        sqlite3_finalize(insert);
        run("COMMIT");
        run("INSERT INTO docs(docs) VALUES ('optimize')");
        build_s = now_s() - start;
        bytes = std::filesystem::file_size(path);
        check(sqlite3_prepare_v2(db_,
                                 "SELECT rowid FROM docs WHERE docs MATCH ? ORDER BY rank LIMIT 10",
                                 -1, &select_, nullptr));
    }
    ~Fts5() {
        sqlite3_finalize(select_);
        sqlite3_close(db_);
    }
    std::vector<std::uint64_t> search(const std::array<std::string, 3>& words) {
        const std::string match = words[0] + " OR " + words[1] + " OR " + words[2];
        sqlite3_bind_text(select_, 1, match.data(), static_cast<int>(match.size()), nullptr);
        std::vector<std::uint64_t> rows;
        while (sqlite3_step(select_) == SQLITE_ROW) {
            rows.push_back(static_cast<std::uint64_t>(sqlite3_column_int64(select_, 0)) - 1);
        }
        sqlite3_reset(select_);
        return rows;
    }
    double build_s = 0;
    std::uint64_t bytes = 0;

private:
    void check(int code) {
        if (code != SQLITE_OK) {
            stop(std::string("sqlite: ") + sqlite3_errmsg(db_));
        }
    }
    void run(const char* sql) { check(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr)); }
    sqlite3* db_ = nullptr;
    sqlite3_stmt* select_ = nullptr;
};
#endif

struct Times {
    std::vector<double> ms;
    double at(double share) {
        std::sort(ms.begin(), ms.end());
        return ms.empty()
                   ? 0
                   : ms[static_cast<std::size_t>(share * static_cast<double>(ms.size() - 1))];
    }
};

template <class Body>
double ms_of(Body body) {
    const double start = now_s();
    body();
    return (now_s() - start) * 1000;
}

int measure(const Context& context, const storage::Snapshot& snapshot, const Corpus& corpus,
            const std::string& peer_path) {
#if ABI_HAVE_SQLITE
    Fts5 peer(peer_path, corpus);
    std::printf("fts5 index     %.1f s, %.2f bytes a posting\n", peer.build_s,
                static_cast<double>(peer.bytes) / static_cast<double>(corpus.postings));
#endif
    const std::vector<float> vector(kDim, 0.5F);
    Times text, fusion, fts5;
    std::size_t agreed = 0, compared = 0;
    const auto queries = corpus.queries();
    for (int round = 0; round < 2; ++round) {  // the first one touches every page
        text.ms.clear(), fusion.ms.clear(), fts5.ms.clear();
        agreed = compared = 0;
        for (const auto& words : queries) {
            const auto query =
                must(storage::TextQuery::parse(words[0] + ' ' + words[1] + ' ' + words[2]));
            storage::TextSearchResult found;
            text.ms.push_back(
                ms_of([&] { found = must(snapshot.search_text(context, query, {.k = kTop})); }));
#if ABI_HAVE_SQLITE
            std::vector<std::uint64_t> rows;
            fts5.ms.push_back(ms_of([&] { rows = peer.search(words); }));
            compared += rows.size();
            agreed += static_cast<std::size_t>(
                std::count_if(rows.begin(), rows.end(), [&](std::uint64_t row) {
                    return std::any_of(found.hits.begin(), found.hits.end(),
                                       [&](const auto& hit) { return hit.row == row; });
                }));
#endif
            const auto nearest = must(snapshot.search(context, vector, 1, 100)).front();
            fusion.ms.push_back(ms_of([&] {
                                    const auto texts =
                                        must(snapshot.search_text(context, query, {.k = 100}));
                                    must(storage::fuse(texts.hits, nearest, kTop));
                                }) -
                                text.ms.back());
        }
    }
    const double p50 = text.at(0.5), added = fusion.at(0.5);
    std::printf("bm25           p50 %.3f ms, p99 %.3f ms  (bar: p50 under %.1f ms)\n", p50,
                text.at(0.99), kMaxMs);
    std::printf("fusion adds    p50 %.3f ms, p99 %.3f ms  (bar: p50 at most %.1f ms)\n", added,
                fusion.at(0.99), kMaxFusionMs);
    if (!fts5.ms.empty()) {
        std::printf(
            "fts5           p50 %.3f ms, p99 %.3f ms: %.1f times as long; %zu of %zu rows "
            "are the same\n",
            fts5.at(0.5), fts5.at(0.99), fts5.at(0.5) / p50, agreed, compared);
    } else {
        std::printf("fts5           not installed\n");
    }
    return p50 < kMaxMs && added <= kMaxFusionMs ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const Workspace workspace(argc, argv);
    const std::size_t count = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1000000;
    const Corpus corpus(count);
    IndexTime built;
    const auto fs = real_file_system();
    Context context;
    context.fs = fs.get();
    context.trace = &built;
    storage::Database database = fill(context, workspace / "wdbx", corpus);
    const std::uint64_t gathered = built.ns;
    const storage::OptimizeInfo info = must(database.optimize());
    const double seconds = static_cast<double>(built.ns - gathered) * 1e-9;
    const storage::Snapshot snapshot = database.snapshot();
    std::printf("documents      %zu, %.1f MB, %.1f words each, %.1f million postings\n", count,
                static_cast<double>(corpus.bytes) * 1e-6,
                static_cast<double>(corpus.words) / static_cast<double>(count),
                static_cast<double>(corpus.postings) * 1e-6);
    const storage::SnapshotStats stats = snapshot.stats();
    const std::uint64_t index_bytes =
        info.size_bytes_after - stats.vector_bytes - stats.id_bytes - stats.text_bytes;
    std::printf(
        "index          %.2f s (%.0f documents/s, %.1f MB/s), %.2f bytes a posting with "
        "positions and checksums\n",
        seconds, static_cast<double>(count) / seconds,
        static_cast<double>(corpus.bytes) * 1e-6 / seconds,
        static_cast<double>(index_bytes) / static_cast<double>(corpus.postings));
    context.trace = nullptr;
    return measure(context, snapshot, corpus, workspace / "fts5.db");
}
