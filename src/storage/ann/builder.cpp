// Searching for neighbours, pruning, and linking back.
#include "ann/builder.hpp"

#include <algorithm>

#include "ann/reach.hpp"

namespace abikit::storage::ann {

namespace {
constexpr std::size_t kEntries = 16;
constexpr std::size_t kGrain = 16;
constexpr std::size_t kSmallestBatch = 64;
constexpr std::uint64_t kBatchShare = 50;  // a batch is at most rows / kBatchShare
// An edge is left out when a kept neighbour is this much nearer to its end than the row itself
// (squared distances: 1.2 squared).
constexpr std::int64_t kSlackTop = 144, kSlackBottom = 100;
constexpr std::size_t kMeasuredAtOnce = 8;
// Connecting one row may cut off another, so that it is looked at again, so often.
constexpr int kMostRounds = 8;
constexpr std::size_t kNearRows = 8;

bool is_nearer(const AnnCandidate& a, const AnnCandidate& b) {
    return a.distance != b.distance ? a.distance < b.distance : a.row < b.row;
}
}  // namespace

struct Builder::Worker {
    Beam beam;
    CodeQuery here, there;
    std::vector<AnnCandidate> candidates;
    std::vector<std::uint32_t> rows, kept, gone;
    std::vector<std::int32_t> distances;
};

// A worker for one piece of work, given back afterwards.
class Builder::Lease {
public:
    explicit Lease(Builder& builder) : builder_(builder) {
        const std::scoped_lock lock(builder.mutex_);
        if (!builder.idle_.empty()) {
            worker_ = std::move(builder.idle_.back());
            builder.idle_.pop_back();
        } else {
            worker_ = std::make_unique<Worker>();
            worker_->beam.keep_explored(true);
        }
    }
    ~Lease() {
        const std::scoped_lock lock(builder_.mutex_);
        builder_.idle_.push_back(std::move(worker_));
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Worker& worker() noexcept { return *worker_; }

private:
    Builder& builder_;
    std::unique_ptr<Worker> worker_;
};

Builder::Builder(const Context& context, const AlignedVector<std::int8_t>& codes,
                 std::size_t stride, const AnnOptions& options)
    : context_(context),
      codes_(codes),
      stride_(stride),
      options_(options),
      rows_(static_cast<std::uint32_t>(codes.size() / stride)),
      edges_(std::size_t{rows_} * options.degree, kNoEdge) {
    idle_.reserve(64);
}
Builder::~Builder() = default;

GraphView Builder::view() const noexcept {
    return {codes_.data(), edges_.data(), stride_, options_.degree, rows_, entries_};
}

std::size_t Builder::batch_rows() const noexcept {
    return std::max<std::size_t>(kSmallestBatch, rows_ / kBatchShare);
}

Status Builder::insert(std::span<const std::uint32_t> rows) {
    std::size_t at = 0;
    while (at < rows.size()) {
        ABI_CHECK(context_.cancel.check());
        const std::size_t batch = std::min<std::size_t>(
            {std::max<std::uint64_t>(1, inserted_), batch_rows(), rows.size() - at});
        insert_batch(rows.subspan(at, batch));
        at += batch;
        inserted_ += batch;
        if (context_.progress != nullptr) {
            context_.progress->update(inserted_);
        }
    }
    return {};
}

namespace {
void for_all(const Context& context, std::size_t count,
             const std::function<void(std::size_t, std::size_t)>& body) {
    if (context.pool == nullptr) {
        body(0, count);
    } else {
        context.pool->parallel_for(0, count, kGrain, body);
    }
}
}  // namespace

void Builder::insert_batch(std::span<const std::uint32_t> rows) {
    // Rows of the batch are no targets of any edge yet, nor entries, so that what is walked stands
    // still.
    for_all(context_, rows.size(), [&](std::size_t first, std::size_t last) {
        Lease lease(*this);
        for (std::size_t i = first; i < last; ++i) {
            link(rows[i], lease.worker());
        }
    });
    // Target in the upper half, source in the lower.
    std::vector<std::uint64_t> pairs;
    pairs.reserve(rows.size() * options_.degree);
    for (const std::uint32_t row : rows) {
        const std::uint32_t* const edges = edges_.data() + std::size_t{row} * options_.degree;
        for (std::uint32_t i = 0; i < options_.degree && edges[i] != kNoEdge; ++i) {
            pairs.push_back(std::uint64_t{edges[i]} << 32 | row);
        }
    }
    std::sort(pairs.begin(), pairs.end());
    std::vector<std::size_t> starts;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        if (i == 0 || pairs[i] >> 32 != pairs[i - 1] >> 32) {
            starts.push_back(i);
        }
    }
    starts.push_back(pairs.size());
    for (std::size_t i = 0; i < rows.size() && entries_.size() < kEntries; ++i) {
        entries_.push_back(rows[i]);
    }
    for_all(context_, starts.size() - 1, [&](std::size_t first, std::size_t last) {
        Lease lease(*this);
        for (std::size_t i = first; i < last; ++i) {
            const auto group = std::span(pairs).subspan(starts[i], starts[i + 1] - starts[i]);
            link_back(static_cast<std::uint32_t>(group[0] >> 32), group, lease.worker());
        }
    });
}

void Builder::link(std::uint32_t row, Worker& worker) {
    const GraphView graph = view();
    worker.here.assign(graph.code(row), stride_);
    worker.beam.walk(graph, worker.here, options_.build_effort);
    const auto explored = worker.beam.explored();
    const auto found = worker.beam.found();
    worker.candidates.assign(explored.begin(), explored.end());
    worker.candidates.insert(worker.candidates.end(), found.begin(), found.end());
    std::sort(worker.candidates.begin(), worker.candidates.end(), is_nearer);
    prune(row, worker.candidates, worker);
}

// Adds edges to the sources of `pairs`, all of which end at `row`.
void Builder::link_back(std::uint32_t row, std::span<const std::uint64_t> pairs, Worker& worker) {
    std::uint32_t* const edges = edges_.data() + std::size_t{row} * options_.degree;
    std::uint32_t* const last = edges + options_.degree;
    std::uint32_t* const end = std::find(edges, last, kNoEdge);
    worker.candidates.clear();
    for (const std::uint64_t pair : pairs) {
        const auto source = static_cast<std::uint32_t>(pair);
        if (std::find(edges, end, source) == end) {
            worker.candidates.push_back({0, source});
        }
    }
    if (worker.candidates.size() <= static_cast<std::size_t>(last - end)) {
        std::transform(worker.candidates.begin(), worker.candidates.end(), end,
                       [](const AnnCandidate& candidate) { return candidate.row; });
        return;
    }
    for (const std::uint32_t* edge = edges; edge != end; ++edge) {
        worker.candidates.push_back({0, *edge});
    }
    worker.here.assign(codes_.data() + row * stride_, stride_);
    measure(worker.candidates, worker);
    std::sort(worker.candidates.begin(), worker.candidates.end(), is_nearer);
    prune(row, worker.candidates, worker);
}

void Builder::measure(std::vector<AnnCandidate>& candidates, Worker& worker) const {
    worker.rows.resize(candidates.size());
    worker.distances.resize(candidates.size());
    std::transform(candidates.begin(), candidates.end(), worker.rows.begin(),
                   [](const AnnCandidate& candidate) { return candidate.row; });
    view().distances(worker.here, worker.rows.data(), candidates.size(), worker.distances.data());
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        candidates[i].distance = worker.distances[i];
    }
}

void Builder::choose(std::uint32_t row, std::span<const AnnCandidate> candidates, std::size_t most,
                     Worker& worker) const {
    const GraphView graph = view();
    worker.distances.resize(std::max(worker.distances.size(), kMeasuredAtOnce));
    std::uint32_t previous = row;
    for (const AnnCandidate& candidate : candidates) {
        if (worker.kept.size() >= most) {
            break;
        }
        if (candidate.row == row || candidate.row == previous) {
            continue;  // itself, or twice
        }
        previous = candidate.row;
        worker.there.assign(graph.code(candidate.row), stride_);
        bool keeps = true;
        for (std::size_t at = 0; keeps && at < worker.kept.size(); at += kMeasuredAtOnce) {
            const std::size_t count = std::min(kMeasuredAtOnce, worker.kept.size() - at);
            graph.distances(worker.there, worker.kept.data() + at, count, worker.distances.data());
            keeps = std::none_of(worker.distances.data(), worker.distances.data() + count,
                                 [&](std::int32_t distance) {
                                     return kSlackTop * distance <
                                            kSlackBottom * std::int64_t{candidate.distance};
                                 });
        }
        if (keeps) {
            worker.kept.push_back(candidate.row);
        }
    }
}

void Builder::store(std::uint32_t row, const Worker& worker) noexcept {
    std::uint32_t* const edges = edges_.data() + std::size_t{row} * options_.degree;
    std::fill(std::copy(worker.kept.begin(), worker.kept.end(), edges), edges + options_.degree,
              kNoEdge);
}

void Builder::prune(std::uint32_t row, std::span<const AnnCandidate> candidates, Worker& worker) {
    worker.kept.clear();
    choose(row, candidates, options_.degree, worker);
    store(row, worker);
}

Status Builder::adopt(const GraphView& base, std::span<const std::uint32_t> origins) {
    std::vector<std::uint32_t> now(base.rows, kNoEdge);  // where each row of base went
    for (std::uint32_t row = 0; row < rows_; ++row) {
        if (origins[row] != kNoEdge) {
            now[origins[row]] = row;
            ++inserted_;
        }
    }
    for_all(context_, rows_, [&](std::size_t first, std::size_t last) {
        Lease lease(*this);
        for (std::size_t row = first; row < last; ++row) {
            if (origins[row] != kNoEdge) {
                carry_over(static_cast<std::uint32_t>(row), origins[row], base, now,
                           lease.worker());
            }
        }
    });
    carry_entries(base, now);
    return context_.cancel.check();
}

void Builder::carry_over(std::uint32_t row, std::uint32_t origin, const GraphView& base,
                         std::span<const std::uint32_t> now, Worker& worker) {
    worker.kept.clear();
    worker.gone.clear();
    const std::uint32_t* const edges = base.edges_of(origin);
    for (std::uint32_t i = 0; i < base.degree && edges[i] != kNoEdge; ++i) {
        if (now[edges[i]] != kNoEdge) {
            worker.kept.push_back(now[edges[i]]);
        } else {
            worker.gone.push_back(edges[i]);
        }
    }
    if (!worker.gone.empty()) {
        worker.here.assign(codes_.data() + row * stride_, stride_);
    }
    // One for one, so that what was far away stays within a step.
    for (const std::uint32_t neighbour : worker.gone) {
        worker.candidates.clear();
        const std::uint32_t* const beyond = base.edges_of(neighbour);
        for (std::uint32_t i = 0; i < base.degree && beyond[i] != kNoEdge; ++i) {
            const std::uint32_t next = now[beyond[i]];
            if (next != kNoEdge && next != row &&
                std::find(worker.kept.begin(), worker.kept.end(), next) == worker.kept.end()) {
                worker.candidates.push_back({0, next});
            }
        }
        measure(worker.candidates, worker);
        choose(row, worker.candidates, worker.kept.size() + 1, worker);
    }
    store(row, worker);
}

void Builder::carry_entries(const GraphView& base, std::span<const std::uint32_t> now) {
    for (const std::uint32_t entry : base.entries) {
        const std::uint32_t row =
            now[entry] != kNoEdge ? now[entry] : succeed_entry(base.edges_of(entry), now);
        if (row != kNoEdge && std::find(entries_.begin(), entries_.end(), row) == entries_.end()) {
            entries_.push_back(row);
        }
    }
    if (entries_.empty()) {
        entries_.push_back(*std::find_if(now.begin(), now.end(),
                                         [](std::uint32_t row) { return row != kNoEdge; }));
    }
}

// The row that takes the place of an entry with these edges: its nearest neighbour that lives. Half
// of its own edges make room for those of the entry, whose far ones walks set out on.
std::uint32_t Builder::succeed_entry(const std::uint32_t* edges,
                                     std::span<const std::uint32_t> now) {
    std::vector<std::uint32_t> left;
    for (std::uint32_t i = 0; i < options_.degree && edges[i] != kNoEdge; ++i) {
        if (now[edges[i]] != kNoEdge) {
            left.push_back(now[edges[i]]);
        }
    }
    if (left.empty()) {
        return kNoEdge;
    }
    const std::uint32_t row = left.front();
    const auto own = std::span(edges_).subspan(std::size_t{row} * options_.degree, options_.degree);
    std::size_t place = std::min<std::size_t>(
        options_.degree / 2,
        static_cast<std::size_t>(std::find(own.begin(), own.end(), kNoEdge) - own.begin()));
    for (std::size_t i = left.size(); i > 1 && place < own.size(); --i) {
        const std::uint32_t to = left[i - 1];
        if (std::find(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(place), to) ==
            own.begin() + static_cast<std::ptrdiff_t>(place)) {
            own[place++] = to;
        }
    }
    std::fill(own.begin() + static_cast<std::ptrdiff_t>(place), own.end(), kNoEdge);
    return row;
}

Status Builder::connect() {
    Lease lease(*this);
    for (int round = 0; round < kMostRounds; ++round) {
        ABI_CHECK(context_.cancel.check());
        const std::vector<std::uint32_t> lost = unreachable_rows(view());
        if (lost.empty()) {
            break;
        }
        std::vector<std::uint32_t> edges_in = in_degrees(view());
        for (const std::uint32_t row : lost) {
            attach(row, edges_in, lease.worker());
        }
    }
    return {};
}

// An edge to `row` from a near row: one with room, or else in place of an edge to a row that others
// lead to as well.
void Builder::attach(std::uint32_t row, std::span<std::uint32_t> edges_in, Worker& worker) {
    const GraphView graph = view();
    worker.here.assign(graph.code(row), stride_);
    worker.beam.walk(graph, worker.here, options_.build_effort);
    const auto found = worker.beam.found();
    const auto edges_of = [&](const AnnCandidate& near) {
        return std::span(edges_).subspan(std::size_t{near.row} * options_.degree, options_.degree);
    };
    std::uint32_t* place = nullptr;
    for (std::size_t i = 0; place == nullptr && i < std::min(found.size(), kNearRows); ++i) {
        if (found[i].row == row) {
            return;  // an edge made just now leads here
        }
        if (std::uint32_t& last = edges_of(found[i]).back(); last == kNoEdge) {
            place = &*std::find(edges_of(found[i]).begin(), edges_of(found[i]).end(), kNoEdge);
        }
    }
    for (std::size_t i = 0; place == nullptr && i < found.size(); ++i) {
        const auto edges = edges_of(found[i]);
        const auto spare = std::find_if(edges.rbegin(), edges.rend(), [&](std::uint32_t to) {
            return to != kNoEdge && edges_in[to] > 1;
        });
        place = spare == edges.rend() ? nullptr : &*spare;
    }
    if (place == nullptr) {
        return;
    }
    if (*place != kNoEdge) {
        --edges_in[*place];
    }
    *place = row;
    ++edges_in[row];
}

}  // namespace abikit::storage::ann
