// What the tests of topics share: a partition filled by a writer from random batches, and what a
// reader makes of it. One owner.
#pragma once

#include "pipeline/topics/record_reader.h"
#include "pipeline/topics/record_writer.h"
#include "tests/storage/wal/wal_kit.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe::topics {

using storage::batch_source;
using storage::log_content;

/// Of one node; its records are taken one by one.
class random_writer {
 public:
  struct shape {
    record_writer::place at{.node = 7, .session = 100};
    size_t batches = 3;  ///< a record, at most
    size_t records = 6;  ///< a segment
    batch_source::shape data;
  };
  explicit random_writer(uint64_t seed) : random_writer(seed, shape()) {}
  random_writer(uint64_t seed, const shape& s);

  /// The next record, which goes to `offset`.
  std::string next(int64_t offset);
  /// What the last one holds.
  const log_content& content() const { return content_; }

 private:
  const shape shape_;
  seeded_random random_;
  batch_source source_;
  record_writer writer_;
  log_content content_;
  int64_t key_offset_ = -1;
  size_t taken_ = 0;
  timestamp_ms now_ = 1'700'000'000'000;
};

/// A partition and what each of its records holds.
struct partition_log {
  std::vector<std::string> records;  ///< by offset
  std::vector<log_content> contents;

  void add(random_writer& from);
  uint64_t samples(size_t offset) const;
  uint64_t samples() const;
  log_content content(size_t first = 0) const;
};
partition_log fill(uint64_t seed, size_t records, const random_writer::shape& s = {});

/// Everything a reader gave.
struct taken {
  log_content content;
  uint64_t samples = 0, lost = 0, failed = 0;
  std::vector<batch_ptr> last;

  /// False if the record could not be read.
  bool read(record_reader& from, std::string_view payload, int64_t offset);
};

void add_all(log_content& to, const log_content& from);
/// Batches as text, a line per entry.
std::string text_of(const std::vector<batch_ptr>& batches);

}  // namespace troupe::topics
