// READ DOOR over one head: series sets of what matches, in label order. Any thread.
#pragma once

#include "storage/head/head.h"

#include <memory>
#include <set>
#include <span>

namespace troupe::storage {

/// The series of `tenant` that match and may hold samples in [mint, maxt]. Samples are read when
/// asked for. limit 0: all. The head must outlive the set.
std::unique_ptr<series_set> select_head(const head& from, const head_tenant& tenant,
                                        timestamp_ms mint, timestamp_ms maxt,
                                        std::span<const matcher> ms, size_t limit = 0);
/// What the cut has set aside of [mint, maxt].
std::unique_ptr<series_set> select_set_aside(const head& from, const head_tenant& tenant,
                                             timestamp_ms mint, timestamp_ms maxt);
/// Starts of the block ranges in which the tenant has samples.
std::set<timestamp_ms> head_ranges(const head& from, const head_tenant& tenant);

}  // namespace troupe::storage
