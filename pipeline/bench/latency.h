// Durations of requests and their percentiles. One owner.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace troupe::bench {

class latency {
 public:
  void add(int64_t ns) { all_.push_back(ns); }
  size_t count() const { return all_.size(); }
  /// Milliseconds; nearest rank, 0 if there are none. `q` in [0, 1].
  double at(double q) const {
    if (all_.empty())
      return 0;
    auto sorted = all_;
    const auto rank = static_cast<size_t>(q * static_cast<double>(sorted.size() - 1) + 0.5);
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(rank),
                     sorted.end());
    return static_cast<double>(sorted[rank]) / 1e6;
  }

 private:
  std::vector<int64_t> all_;
};

}  // namespace troupe::bench
