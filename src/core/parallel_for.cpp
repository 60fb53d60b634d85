// ThreadPool::parallel_for: pieces are numbers, handed out by one shared counter. The caller works
// through them itself; helper jobs in the queues let other threads join.
#include <algorithm>
#include <new>

#include "thread_pool_impl.hpp"

namespace abikit {
namespace {

using Body = std::function<void(std::size_t, std::size_t)>;

class Loop;

struct HelperJob : Job {
    HelperJob() noexcept : Job(&HelperJob::help) {}
    static void help(Job& job) noexcept;
    Loop* loop = nullptr;
};

// One loop in flight. Counted references, because a helper may be taken from its queue long after
// the loop ended; it then finds no piece left and never touches the body.
class Loop {
public:
    Loop(ThreadPool::Impl& pool, std::size_t begin, std::size_t end, std::size_t grain,
         const Body& body)
        : pool_(pool),
          body_(body),
          begin_(begin),
          end_(end),
          grain_(grain),
          pieces_((end - begin - 1) / grain + 1),
          unfinished_(pieces_),
          helpers_wanted_(std::min<std::size_t>(pool.threads() - 1, pieces_ - 1)),
          helpers_(std::make_unique<HelperJob[]>(helpers_wanted_)) {}

    // The caller's part. Returns when every piece ended.
    std::exception_ptr run() {
        recruit();
        while (run_piece()) {
            recruit();
        }
        pool_.help_until([this] { return unfinished_.load() == 0; });
        return error_.take();
    }

    void help() noexcept {
        pool_.free_helper_place();
        while (run_piece()) {
        }
        release();
    }

    void release() noexcept {
        if (references_.fetch_sub(1) == 1) {
            delete this;
        }
    }

private:
    // Queues helpers as far as there is room for them. Only the caller's thread does this.
    void recruit() noexcept {
        unsigned queued = 0;
        for (; recruited_ < helpers_wanted_ && pool_.claim_helper_place(); ++queued) {
            HelperJob& helper = helpers_[recruited_];
            helper.loop = this;
            references_.fetch_add(1);
            try {
                pool_.submit(&helper);
            } catch (const std::bad_alloc&) {
                // No memory to queue it: the loop is as correct with fewer helpers.
                references_.fetch_sub(1);
                pool_.free_helper_place();
                helpers_wanted_ = recruited_;
                break;
            }
            ++recruited_;
        }
        if (queued > 0) {
            pool_.announce(queued);
        }
    }

    // Takes and runs one piece; false when none is left.
    bool run_piece() noexcept {
        const std::size_t piece = next_.fetch_add(1);
        if (piece >= pieces_) {
            return false;
        }
        const std::size_t first = begin_ + piece * grain_;
        const std::size_t last = end_ - first > grain_ ? first + grain_ : end_;
        std::size_t ended = 1;
        try {
            body_(first, last);
        } catch (...) {
            error_.capture();
            // Nobody gets the pieces that are left: they count as ended here.
            const std::size_t next = next_.exchange(pieces_);
            ended += pieces_ - std::min(next, pieces_);
        }
        if (unfinished_.fetch_sub(ended) == ended) {
            pool_.announce_completion();
        }
        return true;
    }

    ThreadPool::Impl& pool_;
    const Body& body_;
    const std::size_t begin_;
    const std::size_t end_;
    const std::size_t grain_;
    const std::size_t pieces_;
    alignas(64) std::atomic<std::size_t> next_{0};
    alignas(64) std::atomic<std::size_t> unfinished_;
    std::atomic<std::size_t> references_{1};
    FirstError error_;
    std::size_t helpers_wanted_;
    std::size_t recruited_ = 0;
    std::unique_ptr<HelperJob[]> helpers_;
};

void HelperJob::help(Job& job) noexcept {
    static_cast<HelperJob&>(job).loop->help();
}

}  // namespace

void ThreadPool::parallel_for(std::size_t begin, std::size_t end, std::size_t grain,
                              const std::function<void(std::size_t, std::size_t)>& body) {
    if (begin >= end) {
        return;
    }
    grain = std::max<std::size_t>(grain, 1);
    if (threads() == 1 || end - begin <= grain) {
        while (end - begin > grain) {
            body(begin, begin + grain);
            begin += grain;
        }
        body(begin, end);
        return;
    }
    Loop* const loop = new Loop(*impl_, begin, end, grain, body);
    const std::exception_ptr error = loop->run();
    loop->release();
    if (error) {
        std::rethrow_exception(error);
    }
}

}  // namespace abikit
