#include "pipeline/http/blocking_fetch.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace troupe::http {
namespace {

constexpr std::chrono::milliseconds look_at_cancel{50};

// Shared with the callback, which may come after the waiting is over.
struct waiting {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<fetch_result> results;
  size_t missing = 0;
};

}  // namespace

std::vector<fetch_result> fetch_and_wait(fetcher& from, std::vector<fetch_request> requests,
                                         const std::atomic<bool>* cancel) {
  const auto state = std::make_shared<waiting>();
  state->missing = requests.size();
  state->results.resize(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    requests[i].token = i;
    state->results[i].error = status(errc::canceled, "nobody waits for the answer any more");
  }
  from.fetch(std::move(requests), [state](std::vector<fetch_result> done) {
    const std::lock_guard guard(state->mutex);
    for (auto& r : done) {
      const auto place = r.token;
      state->results[place] = std::move(r);
    }
    state->missing -= done.size();
    state->changed.notify_all();
  });
  std::unique_lock lock(state->mutex);
  const auto over = [&] {
    return state->missing == 0 || (cancel != nullptr && cancel->load(std::memory_order_relaxed));
  };
  while (!state->changed.wait_for(lock, look_at_cancel, over)) {
  }
  // What comes later is dropped with the state.
  std::vector<fetch_result> out(state->results.size());
  out.swap(state->results);
  return out;
}

}  // namespace troupe::http
