// Splits write batches by shard. Plain class, one owner (the router actor). A batch whose series
// all live in one shard passes as it is; how a mixed table splits is computed once and remembered
// while the table is in use.
#pragma once

#include "storage/model/batch.h"

#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

namespace troupe::route {

struct batch_part {
  uint32_t shard;
  batch_ptr batch;
};

class batch_router {
 public:
  /// `remembered_tables` bounds the memory of split plans (least recently used is dropped).
  explicit batch_router(uint32_t shards, size_t remembered_tables = 4096);

  /// One part per shard touched, ascending by shard. Order of samples within a part is the order of
  /// the batch.
  std::vector<batch_part> split(const batch_ptr& batch);

  uint32_t shard_of(uint16_t slot) const { return slot % shards_; }

 private:
  struct plan {
    series_table_ptr source;               ///< keeps the address from being reused
    std::vector<uint32_t> shard;           ///< per series
    std::vector<uint32_t> position;        ///< per series: its place in the shard's table
    std::vector<series_table_ptr> tables;  ///< per shard, null where untouched
    int64_t only_shard = -1;  ///< where all series live in one shard; then nothing else is kept
  };
  using plan_list = std::list<plan>;

  const plan& plan_for(const series_table_ptr& table);
  /// The plan of a table whose series live in several shards.
  void divide(const series_table& table, plan& out) const;

  uint32_t shards_;
  size_t capacity_;
  plan_list plans_;  ///< most recently used first
  std::unordered_map<const series_table*, plan_list::iterator> by_table_;
};

}  // namespace troupe::route
