// The decoding side of one segment of a writer: frames to batches. One owner.
#pragma once

#include "pipeline/send/series_filter.h"
#include "pipeline/topics/record.h"
#include "pipeline/topics/series_tables.h"
#include "storage/base/result.h"
#include "storage/wal/stream_decoder.h"

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe::topics {

/// Which records of a segment have been seen.
class segment_progress {
 public:
  enum class place : uint8_t { next, seen, missed };
  /// Where a record with this index stands.
  place of(uint32_t index) const;
  /// It has been read; those that were passed over are missed.
  void advance(uint32_t index);

 private:
  uint32_t next_ = 0;
  std::vector<std::pair<uint32_t, uint32_t>> missed_;  ///< [first, end), the newest ones
};

class segment_decoder {
 public:
  struct memory {
    size_t state_bytes = 1u << 30;     ///< of what frames refer to
    size_t waiting_bytes = 64u << 20;  ///< of frames that wait for a key frame
  };

  /// `rules` and `tables` outlive it.
  segment_decoder(const send::series_rules& rules, table_book& tables, const memory& most);
  segment_decoder(const segment_decoder&) = delete;
  segment_decoder& operator=(const segment_decoder&) = delete;

  /// Frames of a record of the segment to batches; null: they are stored already. Nothing is done
  /// and it is corruption if one of them is damaged; corruption too if one does not parse.
  status apply(const record_header& header, std::string_view frames, batch_list* into);
  /// The segment goes no further: of what waits the floats are lost.
  void end(batch_list* into);
  /// Samples that were lost since the last call.
  uint64_t take_lost();
  /// For the next segment to go on with. Of those that have far more series than this segment used
  /// there will be new ones.
  std::vector<kept_table_ptr> leave_tables() const;
  uint64_t memory_bytes() const;

 private:
  struct bound {
    uint32_t number = 0;
    kept_table_ptr table;
    size_t series = 0;  ///< of the table that were used
  };
  struct place {
    uint32_t table = 0;  ///< number of the bound one
    uint32_t position = 0;
  };
  struct sink;

  bound& bind(const storage::wal_batch& batch);
  uint32_t position_of(bound& t, const storage::wal_batch& batch, uint32_t id);
  void take(const storage::wal_batch& batch, batch_list& into);
  void take_floats(bound& t, const storage::wal_batch& batch, write_batch& into);

  const send::series_rules& rules_;
  table_book& tables_;
  storage::wal_report report_;
  storage::stream_decoder decoder_;
  uint64_t lost_told_ = 0;
  std::vector<place> places_;  ///< by the decoder's numbers of series
  /// By tenant and group, as the decoder has them.
  struct key_hash {
    size_t operator()(const std::pair<const char*, uint64_t>& k) const {
      return std::hash<const char*>()(k.first) ^ k.second;
    }
  };
  std::unordered_map<std::pair<const char*, uint64_t>, bound, key_hash> bound_;
};

}  // namespace troupe::topics
