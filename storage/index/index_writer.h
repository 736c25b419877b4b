// Writes a block's index file (storage/docs/index_format.md). Series stream through; only symbols,
// postings and one offset per group of series are kept in memory. One owner.
#pragma once

#include "storage/base/file_system.h"
#include "storage/index/postings.h"
#include "storage/index/series_record.h"
#include "storage/model/labels.h"

#include <memory>
#include <span>
#include <string>

namespace troupe::storage {

class index_writer {
 public:
  /// `seed` goes into every checksum, so that a file of another block is recognised as foreign.
  index_writer(std::unique_ptr<writable_file> file, uint32_t seed);
  ~index_writer();

  /// In label order, each label set once; chunks by min_ts. Series get references 0, 1, 2, …
  /// `statistics` is kept for the reader as it is; it may be empty.
  status add(const labels& series, std::span<const chunk_ref> chunks,
             std::string_view statistics = {});
  /// Writes the tables, syncs and closes the file. Nothing may be added afterwards.
  status finish();
  uint64_t label_pairs() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace troupe::storage
