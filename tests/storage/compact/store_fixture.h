// A block store in a simulated file system beside the plain data it ought to hold.
#pragma once

#include "storage/chunk/series_merge.h"
#include "storage/compact/block_store.h"
#include "storage/compact/compactor.h"
#include "tests/storage/block/block_fixture.h"

namespace troupe::storage::test {

struct store_fixture {
  explicit store_fixture(uint64_t seed) : seed(seed), random(seed), fs(seed) { reopen(); }

  void reopen() {
    store.reset();
    auto opened = block_store::open(fs, clk, ++seed, "data/blocks", "data/quarantine");
    ASSERT_TRUE(opened.ok()) << opened.error().to_string();
    store = std::move(*opened);
  }

  /// All samples of a tenant as queries see them.
  flat content(std::string_view tenant = "t") const {
    std::vector<std::unique_ptr<series_set>> sources;
    for (const auto& b : store->blocks())
      if (b->meta().tenant == tenant)
        sources.push_back(std::move(*b->select({}, min_time, max_time, nullptr)));
    return drain(*merge_series(std::move(sources)));
  }

  result<block_meta> write(std::vector<series_data> data, timestamp_ms from, timestamp_ms end,
                           std::string_view tenant = "t") {
    clk.advance_ms(1);
    data_series_set source(std::move(data));
    return store->write(tenant, from, end, source);
  }

  uint64_t seed;
  seeded_random random;
  manual_clock clk;
  support::sim_file_system fs;
  std::unique_ptr<block_store> store;
};

inline constexpr int64_t hour = 3600 * 1000;
inline constexpr plan_options plan{2 * hour, 54 * hour, 0.05};

}  // namespace troupe::storage::test
