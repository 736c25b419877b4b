// READ DOOR of the node: every shard's head and every block of the tenant, merged in label order.
// Thread-safe. Owned by the node's storage, which outlives the queriers it hands out.
#pragma once

#include "storage/compact/block_store.h"
#include "storage/head/shard.h"
#include "storage/querier.h"
#include "storage/read_epochs.h"
#include "storage/series_rosters.h"

#include <atomic>
#include <memory>
#include <span>
#include <vector>

namespace troupe::storage {

class node_reader final : public queryable {
 public:
  node_reader(std::span<const std::unique_ptr<shard>> shards, const block_store& blocks,
              const read_epochs& epochs, memory_budget* memory = nullptr)
      : shards_(shards), blocks_(blocks), epochs_(epochs), rosters_(shards, memory) {}

  result<std::unique_ptr<querier>> open(std::string_view tenant, timestamp_ms mint,
                                        timestamp_ms maxt) override;
  /// Null also where blocks have samples of that time.
  std::unique_ptr<series_family> family(const family_request& wanted) override;
  result<std::vector<exemplar_series>> exemplars(std::string_view tenant, timestamp_ms mint,
                                                 timestamp_ms maxt,
                                                 std::span<const matchers> selectors) override;
  std::vector<std::pair<std::string, metadata>> metadata_of(std::string_view tenant,
                                                            std::string_view family,
                                                            size_t limit) override;

  /// All shards are replayed and close() was not called.
  bool ready() const;
  /// From now on open() fails with unavailable.
  void close() { closed_.store(true); }

 private:
  status available() const;

  const std::span<const std::unique_ptr<shard>> shards_;
  const block_store& blocks_;
  const read_epochs& epochs_;
  series_rosters rosters_;
  std::atomic<bool> closed_{false};
};

}  // namespace troupe::storage
