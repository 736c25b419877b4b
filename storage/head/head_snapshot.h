// The content of a snapshot of a head: what a start restores instead of reading the log from its
// beginning (storage/docs/head_snapshot.md). The saver is called by whoever holds the writer lock,
// a slice at a time; the loader before the head has readers or samples.
#pragma once

#include "storage/head/head.h"
#include "storage/head/snapshot_file.h"
#include "storage/wal/resume_point.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe::storage {

struct snapshot_header {
  uint32_t shard = 0, shards = 1;
  int64_t range_ms = 0;
  wal_resume_point from;
  timestamp_ms oldest = max_time, newest = min_time;  ///< of the samples
};
void put_snapshot_header(const snapshot_header& h, std::string& out);
/// False if it is malformed or of a later version.
bool read_snapshot_header(std::string_view content, snapshot_header& out);

void put_saved_chunks(const saved_chunks& c, std::string& out);
/// Without files.
bool read_saved_chunks(std::string_view content, saved_chunks& out);

class head_saver {
 public:
  /// The tenants that there are now.
  explicit head_saver(const head& from) : head_(from), tenants_(from.tenants()) {}

  /// The next slice of series, at most `budget`; false: there are no more.
  bool next_series(size_t budget, std::string& content);
  /// Begins a frame for the references of a group, then appends up to `count` of its series from
  /// `first` on.
  void begin_references(const wal_references& group, std::string& content);
  void references(const wal_references& group, size_t first, size_t count, std::string& content);
  /// Frames of exemplars and metadata. The stores lock themselves: nothing is written meanwhile.
  using frames = std::vector<std::pair<snapshot_frame, std::string>>;
  frames others() const;

 private:
  void put_labels(const labels& lset, std::string& out);

  const head& head_;
  const std::vector<const head_tenant*> tenants_;
  size_t tenant_ = 0;
  uint32_t ref_ = 0;
  std::unordered_map<uint32_t, uint32_t> pairs_;  ///< their numbers in the file
  std::vector<label_pair> held_;                  ///< so that a pair's id stays its own
  int64_t before_ = -1;                           ///< reference of the entry before
};

class head_loader {
 public:
  /// Told of the references of a group; series that are not in the head are null.
  using references_sink = std::function<void(const wal_references&, std::span<head_series* const>)>;
  head_loader(head& into, references_sink references)
      : head_(into), references_(std::move(references)) {}

  /// The chunks, before any frame.
  void restore(saved_chunks chunks) { head_.chunks().restore(std::move(chunks)); }
  /// One frame, in order. corruption if it is malformed: what was restored before holds.
  status take(snapshot_frame kind, std::string_view content);

 private:
  using numbered = std::vector<std::pair<uint32_t, head_series*>>;  // ascending

  bool take_header(std::string_view content);
  bool take_series(std::string_view content);
  bool take_references(std::string_view content);
  bool take_exemplars(std::string_view content);
  bool take_metadata(std::string_view content);
  bool read_labels(byte_reader& in, labels& out);

  head& head_;
  const references_sink references_;
  std::vector<label_pair> pairs_;
  std::vector<uint32_t> ids_;
  std::map<std::string, numbered, std::less<>> series_;  ///< of each tenant, by saved reference
  restored_slice slice_;
};

}  // namespace troupe::storage
