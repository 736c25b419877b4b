// Looks for damage in one block, a bounded piece of work at a time: tables and tombstones, every
// series record, every chunk (checksum, decoding, what the index says of it), and that labels,
// postings, statistics and the totals of `meta` agree. Reads only; the block may be queried
// meanwhile. One owner. Memory: 16 bytes per label pair of the block.
#pragma once

#include "storage/base/damage.h"
#include "storage/block/block_reader.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::storage {

class block_check {
 public:
  static constexpr size_t max_places = 1000;

  /// What block_reader::open verifies (meta, tombstones, the index's tables) holds already, or
  /// there would be no reader; the tables are verified again, as the disk gives them now. Damaged
  /// chunks and series are counted in the reader's damage() too.
  explicit block_check(std::shared_ptr<const block_reader> block);

  /// Reads about `budget_bytes` more, at least one chunk or record; the tables of the index are one
  /// piece. True when the block is through.
  bool step(uint64_t budget_bytes);
  /// Where it does not hold, in the order it was met, at most max_places.
  const std::vector<damaged_place>& places() const { return places_; }
  uint64_t damages() const { return damages_; }
  uint64_t bytes_done() const { return done_; }
  /// About what bytes_done() will be at the end.
  uint64_t bytes_total() const;

 private:
  enum class phase : unsigned char { tables, series, postings, end };
  /// What the last chunk of a kind said of the series, to hold the next one against.
  struct kind_state {
    bool any = false;
    timestamp_ms last = 0;
  };
  /// Of a label pair: which series have it, by their records.
  struct pair_state {
    uint32_t series = 0;
    uint64_t mix = 0;
  };

  void check_tables();
  void begin_series();
  void take_pairs(const labels& series);
  void check_chunk(const chunk_ref& ref);
  void check_tombstones_of(series_ref ref, const labels& series);
  void check_statistics();
  void check_postings();
  void check_totals();
  void report(std::string_view file, uint64_t offset, uint64_t bytes, std::string reason);

  const std::shared_ptr<const block_reader> block_;
  const std::shared_ptr<const tombstone_set> tombstones_;
  phase phase_ = phase::tables;
  series_ref next_series_ = 0;
  uint32_t next_pair_ = 0;
  labels previous_;  ///< of the last series that could be read
  series_cursor cursor_;
  std::vector<chunk_ref> chunks_;
  size_t next_chunk_ = 0;
  kind_state floats_, histograms_;
  std::string_view statistics_;  ///< of the series, empty: none
  std::vector<double> values_;   ///< of the series so far, if it has statistics
  sample_columns columns_;       ///< kept for its memory
  window_cache cache_;
  std::set<uint64_t> damaged_;  ///< offsets of chunks: several series may share one
  std::vector<pair_state> pairs_;
  bool all_series_read_ = true, all_chunks_read_ = true;
  uint64_t chunk_count_ = 0, sample_count_ = 0, histogram_count_ = 0;
  uint64_t done_ = 0, damages_ = 0;
  std::vector<damaged_place> places_;
};

}  // namespace troupe::storage
