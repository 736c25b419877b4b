// Series on their way into a merged block: the buckets of classic histograms are held back until
// all of one metric are there, and then told by each other where that saves bytes
// (storage/docs/chunk_format.md). One owner.
#pragma once

#include "storage/base/hash.h"
#include "storage/chunk/chunk.h"
#include "storage/index/series_record.h"
#include "storage/model/labels.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace troupe::storage {

/// A chunk on its way into a block.
struct encoded_chunk {
  chunk_ref ref;      ///< its place once it has one
  std::string bytes;  ///< as it stands alone
  hash128 content{};  ///< of those bytes
  bool placed = false;
};

struct encoded_series {
  labels series;
  std::vector<encoded_chunk> chunks;  ///< by min_ts
  std::string statistics;
};

/// Where a series stands among its metric's buckets. Two buckets of a histogram differ in `bound`
/// alone; what label order keeps together has the same `front`.
struct bucket_place {
  std::string front;  ///< the labels before `le`
  std::string rest;   ///< those behind it
  double bound = 0;
};
/// Nothing if the series has no label `le` with a number.
std::optional<bucket_place> bucket_place_of(const labels& series);

/// A chunk of a group, and what is written of it: its own bytes if `base` is null.
struct chunk_plan {
  encoded_chunk* chunk = nullptr;
  const encoded_chunk* base = nullptr;  ///< comes before
  uint32_t links = 0;                   ///< to the one that stands alone
  difference_sign sign = difference_sign::added;
  value_difference difference;
};

class bucket_group {
 public:
  /// A group with more bytes, labels and chunks, is closed: later buckets are told by each other
  /// only.
  static constexpr size_t max_bytes = 16u << 20;

  bool empty() const { return series_.empty(); }
  /// Whether a series may join.
  bool takes(const bucket_place& place) const;
  void add(bucket_place place, encoded_series series);
  /// In the order they came.
  std::vector<encoded_series>& series() { return series_; }
  /// Every chunk once, in the order to write them. Those that have a place stand alone.
  std::vector<chunk_plan> plan();
  void clear();

 private:
  std::vector<encoded_series> series_;
  std::vector<bucket_place> places_;  // of series_
  size_t bytes_ = 0;
};

}  // namespace troupe::storage
