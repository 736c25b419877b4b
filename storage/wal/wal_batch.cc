#include "storage/wal/wal_batch.h"

#include "storage/wal/wal_report.h"

#include <utility>

namespace troupe::storage {

void wal_batch::clear() {
  floats.clear();
  starts.clear();
  histograms.clear();
  exemplars.clear();
  metadata.clear();
  tombstones.clear();
  source_position = {};
}

std::string_view to_string(wal_loss reason) {
  static constexpr std::string_view names[wal_loss_count] = {
      "torn_tail",       "bad_frame",    "bad_body",   "behind_gap", "unknown_series",
      "missing_segment", "foreign_file", "read_error", "duplicate"};
  return names[static_cast<size_t>(reason)];
}

void wal_report::add(wal_loss reason, std::string file, uint64_t offset, uint64_t bytes) {
  ++counts[static_cast<size_t>(reason)];
  if (damages.size() < max_damages)
    damages.push_back({reason, std::move(file), offset, bytes});
}

bool wal_report::clean() const {
  for (size_t i = 0; i < wal_loss_count; ++i) {
    auto reason = static_cast<wal_loss>(i);
    if (counts[i] != 0 && reason != wal_loss::torn_tail && reason != wal_loss::duplicate)
      return false;
  }
  return samples_lost == 0 && frames_missing == 0;
}

}  // namespace troupe::storage
