// OpenMetrics text with timestamps as series by ranges of time. The text is read once, in any
// order; its samples are parted by range into files, so that memory holds one range, and the label
// sets. One owner.
#pragma once

#include "storage/base/file_system.h"
#include "storage/querier.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::transfer {

class openmetrics_source {
 public:
  struct settings {
    std::string path;                 ///< the text
    std::string work_dir;             ///< emptied, filled, and removed with the source
    int64_t range_ms = 0;             ///< ranges begin at multiples of it
    size_t memory_bytes = 64u << 20;  ///< of samples that wait to be written
  };
  /// invalid_argument with file and line for what is not OpenMetrics or has no timestamp.
  /// `on_progress(bytes, of bytes)` may be empty.
  static result<std::unique_ptr<openmetrics_source>> read(
      file_system& fs, settings s, const std::function<void(uint64_t, uint64_t)>& on_progress);
  ~openmetrics_source();

  /// Size and checksum of the text.
  const std::string& identity() const { return identity_; }
  /// First and last sample of each range that has one: closed intervals, ascending.
  std::vector<std::pair<timestamp_ms, timestamp_ms>> extents() const;
  /// The samples in [mint, maxt], loaded. Of several at one time of a series the greatest counts,
  /// as everywhere.
  result<std::unique_ptr<storage::series_set>> open(timestamp_ms mint, timestamp_ms maxt) const;

  uint64_t samples() const { return samples_; }
  uint64_t series() const { return series_.size(); }
  uint64_t exemplars() const { return exemplars_; }  ///< passed over

  /// A sample; `series` is its number in order of appearance, later its place in label order.
  struct row {
    uint64_t series = 0;
    timestamp_ms ts = 0;
    double value = 0;
  };

 private:
  struct range {
    std::vector<row> waiting;
    timestamp_ms min_ts = 0, max_ts = 0;
    bool in_file = false;
  };
  openmetrics_source(file_system& fs, settings s) : fs_(fs), settings_(std::move(s)) {}
  status parse(std::string_view text, const std::function<void(uint64_t, uint64_t)>& on_progress);
  status add(uint64_t series, timestamp_ms ts, double value);
  status write_waiting();
  std::string path_of(int64_t range) const;
  void sort_series();

  file_system& fs_;
  const settings settings_;
  std::string identity_;
  std::vector<labels> series_;
  std::vector<uint64_t> places_;  ///< in label order, by number
  std::map<int64_t, range> ranges_;
  size_t waiting_ = 0;  ///< samples in memory
  uint64_t samples_ = 0, exemplars_ = 0;
};

}  // namespace troupe::transfer
