// Figures of all heads for /api/v1/status/tsdb. Any thread.
#pragma once

#include "storage/head/shard.h"
#include "storage/storage.h"

#include <memory>
#include <span>

namespace troupe::storage {

/// Sums over shards and tenants; lists by value descending, then name, at most `limit` entries.
head_stats head_statistics(std::span<const std::unique_ptr<shard>> shards, size_t limit);

}  // namespace troupe::storage
