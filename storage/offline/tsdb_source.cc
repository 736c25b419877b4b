#include "storage/offline/tsdb_source.h"

#include "storage/chunk/series_merge.h"

#include <fmt/format.h>

namespace troupe::storage {

import_source tsdb_source(const tsdb::folder& from) {
  import_source out;
  out.identity = "tsdb";
  for (const auto& b : from.blocks) {
    const auto& m = b->about();
    out.identity += fmt::format(" {}:{}:{}", m.ulid, m.samples, m.tombstones);
    if (const auto& e = b->samples_extent())
      out.extents.push_back({e->min_ts, e->max_ts});
  }
  out.open = [blocks = from.blocks](timestamp_ms mint, timestamp_ms maxt) {
    std::vector<std::unique_ptr<series_set>> sets;
    for (const auto& b : blocks) {
      const auto& e = b->samples_extent();
      if (e && e->min_ts <= maxt && mint <= e->max_ts)
        sets.push_back(b->select(mint, maxt));
    }
    return result<std::unique_ptr<series_set>>(merge_series(std::move(sets)));
  };
  return out;
}

}  // namespace troupe::storage
