#include "storage/base/mapping_guard.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

namespace troupe {

/// A node of a list that only grows, so that the handler may walk it at any moment; nodes are used
/// again. `end` is 0 while the node is free or being changed.
struct mapping_guard::range {
  std::atomic<uintptr_t> begin{0}, end{0};
  std::atomic<bool> used{true};
  std::atomic<bool> failed{false};
  range* next = nullptr;
};

namespace {

static_assert(std::atomic<uintptr_t>::is_always_lock_free &&
              std::atomic<bool>::is_always_lock_free);

std::atomic<mapping_guard::range*> ranges{nullptr};
struct sigaction previous {};
uintptr_t page_size = 4096;

// The reader holds the mapping it faulted in, so that its range cannot change meanwhile; others
// can. An end that was read between two equal begins belongs to that begin.
bool covers(const mapping_guard::range& r, uintptr_t address) {
  const uintptr_t begin = r.begin.load(), end = r.end.load();
  return begin <= address && address < end && r.begin.load() == begin;
}

// Only async-signal-safe calls; mmap is a bare system call.
void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int saved = errno;
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  // A positive code is the kernel's: a fault, not a signal that somebody sent.
  if (info->si_code > 0)
    for (mapping_guard::range* r = ranges.load(); r != nullptr; r = r->next) {
      if (!covers(*r, address))
        continue;
      // First the mark: whoever reads the zeros must find it.
      r->failed.store(true);
      void* page = reinterpret_cast<void*>(address / page_size * page_size);
      if (::mmap(page, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
          MAP_FAILED)
        break;
      errno = saved;
      return;
    }
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  } else {
    // A fault comes again when we return and then ends the process; a signal that was sent does
    // not.
    struct sigaction fallback {};
    fallback.sa_handler = SIG_DFL;
    ::sigaction(signal, &fallback, nullptr);
    if (info->si_code <= 0)
      ::raise(signal);
  }
  errno = saved;
}

void install() {
  page_size = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGBUS, nullptr, &previous);
  ::sigaction(SIGBUS, &action, nullptr);
}

mapping_guard::range* take_range() {
  for (mapping_guard::range* r = ranges.load(); r != nullptr; r = r->next) {
    bool free = false;
    if (r->used.compare_exchange_strong(free, true))
      return r;
  }
  auto* fresh = new mapping_guard::range();
  fresh->next = ranges.load();
  while (!ranges.compare_exchange_weak(fresh->next, fresh)) {
  }
  return fresh;
}

}  // namespace

mapping_guard::mapping_guard(void* at, size_t size) {
  static const bool installed = (install(), true);
  static_cast<void>(installed);
  range_ = take_range();
  range_->failed.store(false);
  range_->begin.store(reinterpret_cast<uintptr_t>(at));
  range_->end.store(reinterpret_cast<uintptr_t>(at) + size);
}

mapping_guard::~mapping_guard() {
  range_->end.store(0);
  range_->used.store(false);
}

bool mapping_guard::failed() const {
  return range_->failed.load();
}

}  // namespace troupe
