// Figures of all heads for /api/v1/status/tsdb and status/cardinality. Any thread.
#pragma once

#include "storage/head/shard.h"
#include "storage/model/cardinality.h"
#include "storage/storage.h"

#include <memory>
#include <span>

namespace troupe::storage {

/// Sums over shards and tenants; lists by value descending, then name, at most `limit` entries.
head_stats head_statistics(std::span<const std::unique_ptr<shard>> shards, size_t limit);

/// Fills in how many series of users have now what each entry names.
void count_active(std::span<const std::unique_ptr<shard>> shards, growth_report& growth);

}  // namespace troupe::storage
