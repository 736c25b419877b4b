// A folder of blocks in a simulated file system, and shorthands to fill and read it.
#pragma once

#include "storage/block/block_reader.h"
#include "storage/block/block_writer.h"
#include "tests/storage/block/series_data.h"
#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

namespace troupe::storage::test {

inline constexpr timestamp_ms day = 24LL * 3600 * 1000;

/// Everything a block can give, and what it could not.
inline flat read_all(const block_reader& block, std::shared_ptr<read_damage> met = nullptr,
                     timestamp_ms mint = min_time, timestamp_ms maxt = max_time) {
  auto set = block.select({}, mint, maxt, std::move(met));
  EXPECT_TRUE(set.ok());
  return set.ok() ? drain(**set, mint, maxt) : flat();
}

/// Keeps what lies in [mint, maxt].
inline flat window(const flat& all, timestamp_ms mint, timestamp_ms maxt) {
  flat out;
  for (const auto& [name, rows] : all)
    for (const auto& [ts, value] : rows)
      if (ts >= mint && ts <= maxt)
        out[name][ts] = value;
  return out;
}

struct block_fixture {
  explicit block_fixture(uint64_t seed) : random(seed), fs(seed) {
    EXPECT_TRUE(fs.create_directories("blocks").ok());
  }

  result<block_meta> write(const std::vector<series_data>& data, timestamp_ms from = 0,
                           timestamp_ms end = day, uint32_t level = 1) {
    block_spec spec;
    spec.id = make_block_id(clk, random);
    spec.tenant = "t";
    spec.min_time = from;
    spec.max_time = end;
    spec.level = level;
    data_series_set source(data);
    return write_block(fs, "blocks", spec, source);
  }
  result<std::shared_ptr<block_reader>> open(const std::string& id) {
    return block_reader::open(fs, "blocks/" + id);
  }

  seeded_random random;
  manual_clock clk;
  support::sim_file_system fs;
};

}  // namespace troupe::storage::test
