// Series of the log as they go out: once filtered and labelled, each has a partition and a position
// in a table of its sender there. Tables grow, so that a record_writer knows what it has described.
// One owner.
#pragma once

#include "pipeline/send/series_filter.h"
#include "storage/log_door.h"
#include "storage/model/batch.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace troupe::topics {

/// Of a series: where it goes. Plain value.
struct destined {
  uint32_t partition = 0;
  uint32_t position = 0;   ///< in table()
  uint32_t new_bytes = 0;  ///< of its labels, the first time; else 0
};

class series_book {
 public:
  series_book(send::series_rules_ptr rules, uint32_t partitions, uint32_t shards);

  /// What follows is of this batch, of the log of `shard`.
  void begin(uint32_t shard, const storage::wal_batch& batch);
  /// False: the rules drop it.
  bool find(uint32_t series, destined& to);
  /// With all that find() gave for the partition.
  series_table_ptr table(uint32_t partition);
  /// A family with series that were found, or of which none is wanted in particular.
  bool wants_family(std::string_view family) const;
  /// New tables for a partition: those series that do not come any more are forgotten.
  void forget(uint32_t partition);
  uint64_t memory_bytes() const { return memory_; }

 private:
  struct known {
    labels from, to;  ///< `to` is empty: dropped
    uint32_t partition = 0;
    uint32_t table = 0;  ///< number of the table it has `position` in; 0: none
    uint32_t position = 0;
    uint16_t slot = 0;
  };
  struct growing_table {
    uint32_t number = 0;
    series_table_ptr made;
    std::vector<labels> added;  ///< since it was made
    std::vector<uint16_t> added_slots;
    uint32_t size() const {
      return static_cast<uint32_t>((made ? made->series.size() : 0) + added.size());
    }
  };
  /// By partition.
  using sender = std::map<uint32_t, growing_table>;

  known& known_of(uint32_t series);
  growing_table& table_of(uint32_t partition);

  const send::series_rules_ptr rules_;
  const uint32_t partitions_;
  std::vector<std::vector<known>> known_;  ///< by shard and series, which may come to mean others
  std::map<std::pair<uint64_t, std::string>, sender> senders_;  ///< by group and tenant
  std::unordered_set<std::string> names_;  ///< of metrics, if only some are selected
  const storage::wal_batch* batch_ = nullptr;
  uint32_t shard_ = 0;
  sender* sender_ = nullptr;
  growing_table* table_ = nullptr;  ///< of the last series that was found
  uint32_t table_partition_ = 0;
  uint32_t next_number_ = 1;
  uint64_t memory_ = 0;
};

}  // namespace troupe::topics
