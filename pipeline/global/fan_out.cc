#include "pipeline/global/fan_out.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>

namespace troupe::global {
namespace {

constexpr int64_t ns_per_ms = 1'000'000;
constexpr int64_t look_at_limits_ns = 50 * ns_per_ms;

}  // namespace

struct fan_out::arrivals {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<size_t, region_answer> got;
};

fan_out::fan_out(const clock& clk, patience limits)
    : clock_(clk), limits_(limits), arrivals_(std::make_shared<arrivals>()) {}

fan_out::~fan_out() {
  for (const auto& s : asked_)
    s.to->give_up(s.errand);
}

void fan_out::ask(const region_ptr& to, question q) {
  int64_t deadline_ns = limits_.deadline_ns;
  if (const int64_t own_ms = to->config().timeout_ms; own_ms > 0)
    deadline_ns = std::min(deadline_ns, clock_.monotonic_ns() + own_ms * ns_per_ms);
  end_ns_ = std::max(end_ns_, deadline_ns + (limits_.end_ns - limits_.deadline_ns));
  auto errand = to->ask(std::move(q), deadline_ns,
                        [shared = arrivals_, place = asked_.size()](region_answer a) {
                          const std::lock_guard guard(shared->mutex);
                          shared->got.emplace(place, std::move(a));
                          shared->changed.notify_all();
                        });
  asked_.push_back({to, std::move(errand)});
}

void fan_out::give_up(size_t i, region_answer& out) {
  const auto& [to, errand] = asked_[i];
  const bool unsent = to->give_up(errand);
  const bool canceled = limits_.cancel != nullptr && limits_.cancel->load();
  if (canceled)
    out.error = status(errc::canceled, "the client has gone");
  else
    out.error = status(errc::unavailable,
                       "region \"" + to->name() + "\" did not answer: " +
                           (unsent ? "as many requests as may be were under way all the time"
                                   : "no answer in time"));
}

std::vector<region_answer> fan_out::wait() {
  std::unique_lock lock(arrivals_->mutex);
  const auto over = [&] {
    return arrivals_->got.size() == asked_.size() || clock_.monotonic_ns() >= end_ns_ ||
           (limits_.cancel != nullptr && limits_.cancel->load(std::memory_order_relaxed));
  };
  while (!over()) {
    const int64_t left_ns = std::max<int64_t>(end_ns_ - clock_.monotonic_ns(), 0);
    arrivals_->changed.wait_for(
        lock, std::chrono::nanoseconds(std::min(left_ns + ns_per_ms, look_at_limits_ns)));
  }
  auto got = std::move(arrivals_->got);
  lock.unlock();
  std::vector<region_answer> out(asked_.size());
  for (size_t i = 0; i < out.size(); ++i) {
    if (const auto at = got.find(i); at != got.end())
      out[i] = std::move(at->second);
    else
      give_up(i, out[i]);
  }
  asked_.clear();
  return out;
}

}  // namespace troupe::global
