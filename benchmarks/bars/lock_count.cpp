// Counts the locks that threads take: defines the entry points of the C library's locks, which the
// program and its libraries then call before the real ones. Read lock_count.hpp.
#include "lock_count.hpp"

#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>

#include <atomic>
#include <cstdint>

namespace abikit::bars {
namespace {

thread_local bool counting = false;
std::atomic<std::uint64_t> locks = 0, waits = 0;

// The real function behind the one of that name here.
template <class Argument>
class Real {
public:
    explicit constexpr Real(const char* name) : name_(name) {}
    int operator()(Argument* argument) {
        auto* function = function_.load(std::memory_order_relaxed);
        if (function == nullptr) {
            function = reinterpret_cast<int (*)(Argument*)>(::dlsym(RTLD_NEXT, name_));
            function_.store(function, std::memory_order_relaxed);
        }
        return function(argument);
    }

private:
    const char* name_;
    std::atomic<int (*)(Argument*)> function_ = nullptr;
};

// Takes a lock; where that cannot be done at once it is a wait.
template <class Argument>
int counted(Real<Argument>& take, Real<Argument>& try_to, Argument* argument) {
    if (!counting) {
        return take(argument);
    }
    locks.fetch_add(1, std::memory_order_relaxed);
    if (try_to(argument) == 0) {
        return 0;
    }
    waits.fetch_add(1, std::memory_order_relaxed);
    return take(argument);
}

}  // namespace

CountLocks::CountLocks() {
    counting = true;
}
CountLocks::~CountLocks() {
    counting = false;
}
std::uint64_t CountLocks::taken() {
    return locks.load();
}
std::uint64_t CountLocks::waited_for() {
    return waits.load();
}

}  // namespace abikit::bars

using abikit::bars::counted;
using abikit::bars::Real;

extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) {
    static constinit Real<pthread_mutex_t> take("pthread_mutex_lock");
    static constinit Real<pthread_mutex_t> try_to("pthread_mutex_trylock");
    return counted(take, try_to, mutex);
}
extern "C" int pthread_rwlock_rdlock(pthread_rwlock_t* lock) {
    static constinit Real<pthread_rwlock_t> take("pthread_rwlock_rdlock");
    static constinit Real<pthread_rwlock_t> try_to("pthread_rwlock_tryrdlock");
    return counted(take, try_to, lock);
}
extern "C" int pthread_rwlock_wrlock(pthread_rwlock_t* lock) {
    static constinit Real<pthread_rwlock_t> take("pthread_rwlock_wrlock");
    static constinit Real<pthread_rwlock_t> try_to("pthread_rwlock_trywrlock");
    return counted(take, try_to, lock);
}
extern "C" int sem_wait(sem_t* semaphore) {
    static constinit Real<sem_t> take("sem_wait");
    static constinit Real<sem_t> try_to("sem_trywait");
    return counted(take, try_to, semaphore);
}
