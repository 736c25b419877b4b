// librdkafka's log lines on their way into troupe's log.
#pragma once

#include "storage/base/clock.h"

#include <cstdint>
#include <mutex>
#include <optional>

namespace troupe::kafka {

/// Lets a few lines through in every stretch of time: a broker that cannot be reached has something
/// to say several times a second. Thread-safe.
class line_limit {
 public:
  static constexpr unsigned lines = 5;
  static constexpr int64_t stretch_ns = 10'000'000'000;

  explicit line_limit(const clock& time) : time_(time) {}
  /// Absent: this line is left out. Else how many were left out since the last one.
  std::optional<uint64_t> take();

 private:
  const clock& time_;
  std::mutex lock_;
  int64_t began_ns_ = 0;
  unsigned taken_ = 0;
  uint64_t left_out_ = 0;
};

/// Writes a line of syslog's `level`; those for debugging are not limited.
void write_rd_log(line_limit& limit, int level, const char* about, const char* text);

}  // namespace troupe::kafka
