// Batches of one partition to records (record.h). One owner.
#pragma once

#include "pipeline/topics/record.h"
#include "storage/base/result.h"
#include "storage/model/batch.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace troupe::topics {

class record_writer {
 public:
  struct place {
    uint64_t node = 0, session = 0;
    uint32_t partition = 0, partitions = 1;
  };

  explicit record_writer(const place& at);
  ~record_writer();

  /// Adds it to the record that is being made. All its series belong to the partition (slot modulo
  /// partitions). Tables are known by their address: one that grew costs its new series only.
  /// invalid_argument, and nothing happens, for a batch that no frame can hold.
  status add(const write_batch& batch);
  /// Of the record so far; bytes before they are packed.
  size_t bytes() const;
  uint64_t samples() const;
  /// The next record begins a segment. Nothing may have been added since the last take().
  void begin_segment();
  /// The record that will be taken is the first of its segment.
  bool at_segment_start() const;
  /// Bytes of the records of this segment so far.
  uint64_t segment_bytes() const;
  /// Ends the record; `key_offset` is that of the segment's first one, when it is not this one.
  std::string take(int64_t key_offset, timestamp_ms as_of);
  uint64_t memory_bytes() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace troupe::topics
