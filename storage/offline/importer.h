// Brings samples from elsewhere into a data folder that no node uses, as blocks of their own: a
// range of time at a time, each durable and visible at once. Samples that are there already are not
// stored again, so that an import may be repeated or killed at any moment. One owner.
#pragma once

#include "storage/base/clock.h"
#include "storage/base/file_system.h"
#include "storage/compact/block_store.h"
#include "storage/offline/import_plan.h"
#include "storage/offline/new_samples.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace troupe::storage {

/// Where samples come from.
struct import_source {
  /// What it is, so that a killed import goes on only with the same: paths, names, sizes.
  std::string identity;
  std::vector<time_interval> extents;  ///< in which its samples lie
  /// A range is held in memory: the smallest are taken.
  bool in_memory = false;
  /// Its series with samples in [mint, maxt].
  std::function<result<std::unique_ptr<series_set>>(timestamp_ms mint, timestamp_ms maxt)> open;
};

struct import_settings {
  std::string dir;  ///< the data folder; made if missing
  std::string tenant;
  sample_filter filter;
  int64_t min_block_ms = 2LL * 3600 * 1000;  ///< the node's own, or its ranges do not fit
  bool dry_run = false;                      ///< only counts; takes no lock and writes nothing
};

struct import_report {
  new_sample_counts samples;
  uint64_t blocks = 0;          ///< written
  uint64_t block_bytes = 0;     ///< of these
  uint64_t ranges = 0;          ///< of time, looked at now
  uint64_t ranges_resumed = 0;  ///< done by an earlier, killed run
  timestamp_ms oldest = 0;      ///< begin of the first range; 0 without any
};

class importer {
 public:
  /// already_exists if a running node holds the folder, what open_data_folder says of one that is
  /// not ours. A dry run needs neither lock nor folder.
  static result<std::unique_ptr<importer>> open(file_system& fs, const clock& clk, uint64_t seed,
                                                import_settings settings);

  /// A failure leaves what is done; the next run goes on from there. `on_progress` (may be empty)
  /// gets the samples read so far.
  result<import_report> run(const import_source& source,
                            const std::function<void(uint64_t)>& on_progress);

 private:
  importer(file_system& fs, import_settings settings) : fs_(fs), settings_(std::move(settings)) {}
  std::vector<time_interval> wanted_extents(const import_source& source) const;
  status count(std::span<const import_range> ranges);
  status store(std::span<const import_range> ranges);
  result<std::unique_ptr<series_set>> open_range(const import_range& range,
                                                 std::span<const block_ptr> blocks);

  file_system& fs_;
  const import_settings settings_;
  std::unique_ptr<file_lock> lock_;
  std::unique_ptr<block_store> blocks_;  ///< null in a dry run
  // Of the current run.
  const import_source* source_ = nullptr;
  const std::function<void(uint64_t)>* on_progress_ = nullptr;
  import_report report_;
};

}  // namespace troupe::storage
