// Where a replay may begin when a snapshot of the head has all that lies before
// (storage/docs/head_snapshot.md). Plain values.
#pragma once

#include "storage/model/labels.h"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::storage {

/// The start of a segment of one shard of a run.
struct wal_resume_point {
  uint64_t epoch = 0;
  uint32_t segment = 0;
  /// The series log that the segment names, and its bytes from before that moment.
  uint32_t series_number = 0;
  uint64_t series_length = 0;
};

/// What the references of one group number stand for: `series` by index.
struct wal_references {
  std::string tenant;
  uint16_t slot = 0;
  uint64_t number = 0;
  uint64_t key = 0;  ///< write_batch::group
  std::vector<labels> series;
};

}  // namespace troupe::storage
