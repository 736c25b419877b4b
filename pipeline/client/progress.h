// One line on a terminal that says how far a run is and when it ends. Silent elsewhere. One owner.
#pragma once

#include "storage/base/clock.h"

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

namespace troupe::client {

class progress {
 public:
  /// `out` null: silent. `unit` names what is counted ("samples").
  progress(std::ostream* out, const clock& clk, std::string_view unit);
  /// Clears the line.
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// Prints at most five times a second; `total` 0: unknown.
  void update(uint64_t done, uint64_t total);

 private:
  std::ostream* const out_;
  const clock& clock_;
  const std::string_view unit_;
  const int64_t begin_ns_;
  int64_t printed_ns_ = 0;
};

/// "1.23 M", "45.6 K", "789"
std::string short_count(double n);

}  // namespace troupe::client
