// Requests to another stage with one common time limit and one timer for all of them. A timer of
// its own costs each request two messages to the clock's thread and its wake-ups, more than all
// else about it. Lives in an actor's state, so no locks.
#pragma once

#include "actors/rt/interfaces.h"

#include <caf/actor_clock.hpp>
#include <caf/duration.hpp>
#include <caf/error.hpp>
#include <caf/sec.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

namespace troupe::actors {

class open_requests {
 public:
  using time_point = caf::actor_clock::time_point;
  using fail_fn = std::function<void(caf::error&)>;

  /// Deadlines do not decrease from call to call.
  uint64_t add(time_point deadline, fail_fn failed) {
    open_.emplace_hint(open_.end(), next_, entry{deadline, std::move(failed)});
    return next_++;
  }
  /// Empty if the request has failed already: its answer comes too late.
  fail_fn take(uint64_t id) {
    const auto it = open_.find(id);
    if (it == open_.end())
      return {};
    fail_fn out = std::move(it->second.failed);
    open_.erase(it);
    return out;
  }
  void fail_overdue(time_point now) {
    while (!open_.empty() && open_.begin()->second.deadline <= now) {
      auto why = caf::make_error(caf::sec::request_timeout);
      take(open_.begin()->first)(why);
    }
  }
  size_t size() const { return open_.size(); }

  bool sweep_planned = false;

 private:
  struct entry {
    time_point deadline;
    fail_fn failed;
  };
  std::map<uint64_t, entry> open_;  ///< by id, which is by deadline
  uint64_t next_ = 0;
};

/// How late a request may fail behind its limit.
inline constexpr std::chrono::seconds sweep_every{1};

template <class Self>
void plan_sweep(Self self, open_requests& open) {
  if (open.sweep_planned || open.size() == 0)
    return;
  open.sweep_planned = true;
  self->delayed_send(self, sweep_every, sweep_atom_v);
}

/// Of sweep_atom.
template <class Self>
void sweep(Self self, open_requests& open) {
  open.sweep_planned = false;
  open.fail_overdue(self->clock().now());
  plan_sweep(self, open);
}

/// Sends `xs` to `to`; calls `then(answer)` or, after an error or stage_timeout, `failed(error)`,
/// one of them once. `open` is a part of the state of `self`, which handles sweep_atom with
/// sweep().
template <class Answer, class Self, class Handle, class Then, class... Ts>
void ask(Self self, open_requests& open, const Handle& to, Then then, open_requests::fail_fn failed,
         Ts&&... xs) {
  const uint64_t id = open.add(self->clock().now() + stage_timeout, std::move(failed));
  plan_sweep(self, open);
  self->request(to, caf::infinite, std::forward<Ts>(xs)...)
      .then(
          [&open, id, then](const Answer& got) {
            if (open.take(id))
              then(got);
          },
          [&open, id](caf::error& e) {
            if (const auto failed_fn = open.take(id))
              failed_fn(e);
          });
}

}  // namespace troupe::actors
