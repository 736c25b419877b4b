// Records of one partition to batches: troupe's own (record.h), bodies of remote write 1.0 and 2.0
// (snappy, protobuf) and the JSON of prometheus-kafka-adapter. One owner.
#pragma once

#include "pipeline/topics/record.h"
#include "storage/base/result.h"
#include "storage/model/batch.h"
#include "storage/model/matcher.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::remote {
class series_cache;
}

namespace troupe::topics {

struct reader_rules {
  std::vector<matchers> selectors;            ///< one of them holds for a series; none: all
  std::map<std::string, std::string> labels;  ///< a series' own labels win
};

/// What a record holds.
struct read_record {
  std::vector<batch_ptr> batches;  ///< to be stored; tables are kept from record to record
  uint64_t samples = 0;            ///< in them
  uint64_t lost = 0;     ///< samples that cannot be read, for what they refer to is not known
  uint64_t refused = 0;  ///< parts of a record of another format that must not be stored
  std::string why;       ///< of the first of them
  std::optional<record_header> header;  ///< of troupe's own
};

/// What a reader may remember of troupe's own records. Above, records of a writer cannot be read.
struct reader_bounds {
  size_t state_bytes = 1u << 30;     ///< of one node's segment
  size_t waiting_bytes = 64u << 20;  ///< records of it behind a missing one
  size_t nodes = 1024;               ///< beyond, those not heard for longest are forgotten
};

class record_reader {
 public:
  /// `foreign` knows the series of other formats' records; by default it has one of its own.
  explicit record_reader(reader_rules rules,
                         std::shared_ptr<remote::series_cache> foreign = nullptr,
                         const reader_bounds& bounds = {});
  ~record_reader();

  /// True if the record can be read: it is the first of its segment, or that was read, or it is not
  /// of troupe's own format. True for damaged ones, too: read() tells. With its offset true for one
  /// that arrives when a later session of its writer has begun before it: nothing of it is needed.
  bool knows(std::string_view payload, std::optional<int64_t> offset = std::nullopt) const;
  /// corruption for a record that is none or is damaged, unsupported for one of a later version;
  /// the reader goes on with the next one. Samples of a record that is not known are lost, those of
  /// one that has been read are not given again. What a missing record makes unreadable may come
  /// back with a later record of the segment.
  result<read_record> read(std::string_view payload, int64_t offset);
  /// The same for a record whose samples are stored already: what later ones refer to.
  status learn(std::string_view payload, int64_t offset);
  /// From where a restart must read to understand what follows: the oldest first record of segments
  /// that are in use; absent: from anywhere.
  std::optional<int64_t> key_offset() const;
  uint64_t memory_bytes() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace troupe::topics
