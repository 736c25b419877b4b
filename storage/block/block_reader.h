// READ DOOR over one block: files mapped, samples decoded when asked for. Any thread; queriers and
// series sets share ownership, so a block may be removed from disk while it is read.
#pragma once

#include "storage/base/file_system.h"
#include "storage/block/block_meta.h"
#include "storage/block/tombstones.h"
#include "storage/block/window_cache.h"
#include "storage/index/index_reader.h"
#include "storage/querier.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace troupe::storage {

/// What a read met: damage costs the chunk or series it hit and is told here. Thread-safe.
struct read_damage {
  std::atomic<uint64_t> chunks{0};   ///< chunks whose checksum or content does not hold
  std::atomic<uint64_t> samples{0};  ///< samples in them, by the index
  std::atomic<uint64_t> series{0};   ///< series records that do not hold
  std::atomic<uint64_t> blocks{0};   ///< blocks whose files stopped giving their bytes while mapped
  bool any() const { return chunks.load() != 0 || series.load() != 0 || blocks.load() != 0; }
};

class block_reader : public std::enable_shared_from_this<block_reader> {
 public:
  /// corruption if meta, tombstones or a table of the index is damaged or a file is missing or of
  /// another length: the caller sets the block aside. unsupported: of a later version.
  /// `total` (may be null) counts what damage() counts, for many blocks and beyond their lives.
  static result<std::shared_ptr<block_reader>> open(file_system& fs, const std::string& dir,
                                                    std::shared_ptr<read_damage> total = nullptr);

  const block_meta& meta() const { return meta_; }
  const std::string& dir() const { return dir_; }
  uint64_t bytes() const { return meta_.chunk_bytes + meta_.index_bytes; }

  /// Queries of [mint, maxt]. Damage met is in warnings() and in damage().
  std::unique_ptr<querier> open_querier(timestamp_ms mint, timestamp_ms maxt) const;
  /// The matching series with a chunk in [mint, maxt], in label order, tombstones applied. `met`
  /// (may be null) collects damage.
  result<std::unique_ptr<series_set>> select(std::span<const matcher> ms, timestamp_ms mint,
                                             timestamp_ms maxt,
                                             std::shared_ptr<read_damage> met) const;
  const index_reader& index() const { return *index_; }
  /// Bytes that the file `chunks` has; meta says how many it should have.
  uint64_t chunk_file_bytes() const { return chunk_file_->data().size(); }

  /// Deletes [mint, maxt] of the matching series: durable, then visible to later selects. Returns
  /// the number of series touched. One caller at a time.
  result<uint64_t> delete_series(file_system& fs, timestamp_ms mint, timestamp_ms maxt,
                                 std::span<const matcher> ms);
  /// Series that have tombstones.
  uint64_t tombstoned_series() const;
  std::shared_ptr<const tombstone_set> tombstones() const;
  /// All damage met since open, by anybody, each place counted once.
  const read_damage& damage() const { return damage_; }
  /// Offsets of the damaged chunks among it, ascending.
  std::vector<uint64_t> damaged_chunks() const;
  /// A mapped file was cut or refused a page: reads from it fail from then on, and the block should
  /// be set aside.
  bool unreadable() const { return index_file_->failed() || chunk_file_->failed(); }

  /// Appends the samples of one chunk within [mint, maxt]; corruption if it, or one that it is told
  /// by, does not hold, which damage() then knows. `cache` is the caller's, of this block alone.
  status read_chunk(const chunk_ref& ref, timestamp_ms mint, timestamp_ms maxt, sample_columns& out,
                    window_cache& cache) const;
  /// index().series(), with damage noted.
  status read_series(series_ref ref, labels& out, std::vector<chunk_ref>& chunks,
                     std::string_view* statistics = nullptr, series_cursor* cursor = nullptr) const;
  /// The other two look-ups of index(). Nothing, and told in `met`, once the index is unreadable.
  result<std::vector<std::string>> label_names(std::span<const matcher> ms, size_t limit,
                                               read_damage& met) const;
  result<std::vector<std::string>> label_values(std::string_view name, std::span<const matcher> ms,
                                                size_t limit, read_damage& met) const;

 private:
  enum class place : unsigned char { chunk, series, block };
  block_reader() = default;
  status load(file_system& fs);
  result<std::string_view> chunk_at(uint64_t offset, uint32_t length) const;
  status read_linked(const chunk_ref& ref, std::string_view bytes, timestamp_ms mint,
                     timestamp_ms maxt, sample_columns& out, window_cache& cache) const;
  /// Counts a damaged place (of `samples` samples) that was not met before.
  void note(place what, uint64_t where, uint64_t samples = 0) const;
  /// What a look-up gave, or nothing if the index stopped giving its bytes.
  template <class T>
  result<T> unless_unreadable(result<T> found, read_damage* met) const;

  std::string dir_;
  block_meta meta_;
  uint32_t seed_ = 0;
  std::unique_ptr<mapped_file> index_file_, chunk_file_;
  std::unique_ptr<index_reader> index_;
  mutable read_damage damage_;
  std::shared_ptr<read_damage> total_;
  mutable std::mutex mutex_;
  // Guarded by mutex_; the tombstones themselves are immutable.
  mutable std::set<std::pair<place, uint64_t>> damaged_;
  std::shared_ptr<const tombstone_set> tombstones_;
};

}  // namespace troupe::storage
