// Reads one of Prometheus' blocks: a series at a time in label order, tombstones applied. Immutable
// after open, any thread; series sets share ownership. Damage is an error with file and offset, and
// ends the reading: what is imported is whole.
#pragma once

#include "storage/base/file_system.h"
#include "storage/querier.h"
#include "storage/tsdb/index_reader.h"
#include "storage/tsdb/meta.h"
#include "storage/tsdb/tombstones.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::storage::tsdb {

class block_reader : public std::enable_shared_from_this<block_reader> {
 public:
  static result<std::shared_ptr<const block_reader>> open(file_system& fs, const std::string& dir);

  const meta& about() const { return meta_; }
  const std::string& dir() const { return dir_; }
  /// First and last sample by the index, which meta.json need not agree with; nothing if there are
  /// none.
  struct extent {
    timestamp_ms min_ts = 0, max_ts = 0;
  };
  const std::optional<extent>& samples_extent() const { return extent_; }
  uint64_t series_count() const { return index_->series().size(); }

  /// The series with a chunk in [mint, maxt], in label order.
  std::unique_ptr<series_set> select(timestamp_ms mint, timestamp_ms maxt) const;

 private:
  friend class block_series;
  block_reader() = default;
  status load(file_system& fs);
  status map_chunks(file_system& fs);
  status find_extent();
  status read_series(uint32_t number, labels* out, std::vector<chunk_meta>& chunks) const;
  /// Appends the samples of one chunk.
  status read_chunk(const chunk_meta& chunk, sample_columns& out) const;

  struct file {
    std::string path;
    std::unique_ptr<mapped_file> map;
  };

  std::string dir_;
  meta meta_;
  file index_map_;
  std::vector<file> chunk_files_;
  std::optional<index_reader> index_;
  tombstones tombstones_;
  std::optional<extent> extent_;
};

}  // namespace troupe::storage::tsdb
