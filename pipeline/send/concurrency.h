// How many requests to one receiver are under way at a time: more while it keeps up and samples
// wait, half of it when it fails, fewer when there is nothing to do. Nothing is moved when the
// number changes. One owner.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace troupe::send {

class concurrency {
 public:
  concurrency(size_t least, size_t most)
      : least_(std::max<size_t>(least, 1)), most_(std::max(most, least_)), now_(least_) {}

  size_t allowed() const { return now_; }
  size_t least() const { return least_; }
  size_t most() const { return most_; }

  /// A request was answered while `waiting` entries would fill further ones.
  void on_success(bool more_waits, int64_t now_ns);
  void on_failure(int64_t now_ns);
  /// Nothing waits.
  void on_idle(int64_t now_ns);

 private:
  static constexpr int64_t rise_ns = 200'000'000;    ///< at most one step in so long
  static constexpr int64_t fall_ns = 1'000'000'000;  ///< one outage is one failure
  static constexpr int64_t rest_ns = 10'000'000'000;

  const size_t least_, most_;
  size_t now_;
  int64_t changed_ns_ = 0;
};

}  // namespace troupe::send
