// What a consumption counts and tells: metrics, totals that outlive the process, the log, records
// that nobody can read. One owner.
#pragma once

#include "pipeline/kafka/cluster.h"
#include "pipeline/topics/offsets.h"
#include "pipeline/topics/quarantine.h"
#include "storage/appender.h"
#include "storage/base/stats.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::topics {

/// How far behind a consumption is.
struct consume_lag {
  int64_t ms = 0;
  uint64_t records = 0;
  bool operator==(const consume_lag&) const = default;
};

class tally {
 public:
  tally(std::string name, registry& metrics, record_quarantine& quarantine);

  /// Of earlier starts.
  void begin_with(const consume_totals& totals);
  const consume_totals& totals() const { return totals_; }
  void set_time(int64_t now_ms) { now_ms_ = now_ms; }

  void fetched(uint64_t records, uint64_t bytes);
  void stored(const storage::append_report& sum);
  /// Nobody can read the record, or storage does not take it.
  void poisoned(const kafka::fetched_record& r, std::string_view why);
  /// Of the records in `gone` so many were not stored; `after` is the last one before them.
  void gap(uint32_t partition, offset_span gone, uint64_t records,
           std::optional<record_stamp> after);
  /// The segment's first record is gone, so that `r` and those after it cannot be understood. Told
  /// for each record; `first`: of its segment.
  void not_understood(const kafka::fetched_record& r, uint64_t samples, bool first);
  /// Samples of a record that refer to what is gone.
  void lost(const kafka::fetched_record& r, uint64_t samples);
  /// Parts of a record of another format.
  void refused(const kafka::fetched_record& r, uint64_t parts, std::string_view why);
  void reset(uint32_t partition, std::string_view why);
  /// What can go wrong and is tried again.
  enum class trouble : uint8_t { opening, reading, storing, saving };
  void failed(trouble what, std::string why);
  void recovered(trouble what) { last_errors_[static_cast<size_t>(what)].clear(); }
  void show_writers(size_t nodes) { metrics_.writers.set(static_cast<double>(nodes)); }
  void show(bool up, const consume_lag& lag, std::optional<timestamp_ms> watermark);

  const std::string& name() const { return name_; }
  /// Of what does not work now; "" if all does.
  std::string last_error() const;

 private:
  struct figures {
    figures(registry& r, const std::string& name);
    counter &samples, &records, &bytes, &refused, &poisoned, &gaps, &gap_records, &resets, &lost,
        &errors;
    gauge &lag_seconds, &lag_records, &watermark, &up, &writers;
  };
  void publish();
  /// Of lines that a topic may give rise to without end the first ones are logged.
  bool is_told(uint64_t& lines);

  const std::string name_;
  record_quarantine& quarantine_;
  figures metrics_;
  consume_totals totals_;
  int64_t now_ms_ = 0;
  std::array<std::string, 4> last_errors_;
  bool refusing_ = false;  ///< the storage refused some of what was offered last
  uint64_t poison_lines_ = 0, lost_lines_ = 0, refused_lines_ = 0;
};

}  // namespace troupe::topics
