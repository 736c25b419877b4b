// The ordered stop of an actor that has requests under way: it is answered when there are none any
// more, or at a deadline. One owner.
#pragma once

#include "actors/rt/interfaces.h"
#include "storage/base/clock.h"

#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace troupe::actors {

class draining {
 public:
  using promise = caf::typed_response_promise<stopped_atom>;
  /// How often a stopping actor looks again.
  static constexpr std::chrono::milliseconds tick{50};

  void begin(promise to, int64_t until_ns) {
    to_ = std::move(to);
    until_ns_ = until_ns;
  }
  bool begun() const { return until_ns_ != 0; }
  /// Begun, and not yet answered.
  bool waiting() const { return to_.has_value(); }
  /// The time to answer has come. `idle`: nothing is under way.
  bool is_over(bool idle, int64_t now_ns) const {
    return waiting() && (idle || now_ns >= until_ns_);
  }
  void answer() { std::exchange(to_, std::nullopt)->deliver(stopped_atom_v); }

 private:
  std::optional<promise> to_;
  int64_t until_ns_ = 0;
};

/// For stop_atom: from now on `self` looks more often whether it is through.
template <class Self>
draining::promise begin_draining(Self self, draining& d, clock& time,
                                 std::chrono::milliseconds deadline) {
  auto promise = self->template make_response_promise<stopped_atom>();
  d.begin(promise, time.monotonic_ns() + std::chrono::nanoseconds(deadline).count());
  self->delayed_send(self, draining::tick, tick_atom_v);
  return promise;
}

/// For tick_atom: the next tick, after `every` as long as it is not stopping.
template <class Self>
void tick_again(Self self, const draining& d, std::chrono::milliseconds every) {
  if (!d.begun())
    self->delayed_send(self, every, tick_atom_v);
  else if (d.waiting())
    self->delayed_send(self, draining::tick, tick_atom_v);
}

}  // namespace troupe::actors
