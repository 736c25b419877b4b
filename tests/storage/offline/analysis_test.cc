// `analyze`: figures of blocks that are small enough to count by hand.
#include "storage/offline/analysis.h"

#include "tests/storage/compact/store_fixture.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

using test::hour;
using test::series_data;

series_data make(const char* name, const std::string& host, timestamp_ms from, int samples) {
  series_data d;
  d.series = labels::from({{"__name__", name}, {"host", host}});
  for (int i = 0; i < samples; ++i)
    append_float(d.columns, from + i * 60'000, i * 0.1);
  return d;
}

class analysis_test : public ::testing::Test {
 protected:
  analysis_test() : store_(4) {
    // Two hours with a, b; beside it a block of another shard with c; then a is gone and d is new.
    a_ = store_.write({make("m", "a", 0, 120), make("m", "b", 0, 60)}, 0, 2 * hour)->id;
    EXPECT_TRUE(store_.write({make("n", "c", 0, 120)}, 0, 2 * hour).ok());
    EXPECT_TRUE(store_
                    .write({make("m", "b", 2 * hour, 120), make("n", "c", 2 * hour, 120),
                            make("n", "d", 2 * hour, 120)},
                           2 * hour, 4 * hour)
                    .ok());
  }
  analysis run(const std::string& block = "", size_t limit = 10) {
    auto a = analyze_folder(store_.fs, "data", block, limit, {});
    EXPECT_TRUE(a.ok()) << a.error().message();
    return a.ok() ? *a : analysis();
  }

  test::store_fixture store_;
  std::string a_;
};

TEST_F(analysis_test, counts_series_samples_and_bytes) {
  const auto a = run();
  EXPECT_EQ(a.series, 4u);
  EXPECT_EQ(a.samples, 660u);
  EXPECT_EQ(a.label_names, 2u);
  EXPECT_EQ(a.label_pairs, 6u);
  EXPECT_EQ(a.postings, 12u);
  uint64_t chunks = 0, index = 0;
  for (const auto& b : store_.store->blocks()) {
    chunks += b->meta().chunk_bytes;
    index += b->meta().index_bytes;
  }
  EXPECT_EQ(a.chunk_bytes, chunks);
  EXPECT_EQ(a.index_bytes, index);
  ASSERT_EQ(a.by_series.size(), 2u);
  EXPECT_EQ(a.by_series[0].name, "m");
  EXPECT_EQ(a.by_series[0].series, 2u);
  EXPECT_EQ(a.by_series[0].samples, 300u);
  EXPECT_EQ(a.by_series[1].samples, 360u);
  EXPECT_GE(a.by_series[0].bytes + a.by_series[1].bytes, chunks) << "equal chunks lie there once";
  EXPECT_EQ(a.label_values[0].name, "host");
  EXPECT_EQ(a.label_values[0].value, 4);
  EXPECT_EQ(a.label_value_bytes[0].value, 4);
  EXPECT_EQ(a.pair_series[0].name, "__name__=m");
  EXPECT_EQ(a.pair_series[0].value, 2);
}

TEST_F(analysis_test, churn_is_counted_from_one_time_to_the_next) {
  const auto a = run();
  ASSERT_EQ(a.blocks.size(), 3u);
  uint64_t first_new = 0;
  for (const auto& b : a.blocks) {
    if (b.meta.min_time == 0) {
      first_new += b.new_series;
      EXPECT_EQ(b.gone_series, 0u);
    } else {
      EXPECT_EQ(b.new_series, 1u);   // d
      EXPECT_EQ(b.gone_series, 1u);  // a
    }
  }
  EXPECT_EQ(first_new, 3u);
  // b has half of its first block's time: it leads.
  EXPECT_EQ(a.churn_pairs[0].name, "__name__=m");
  EXPECT_NEAR(a.churn_pairs[0].value, 0.5, 0.03);
}

TEST_F(analysis_test, one_block_a_limit_and_no_such_block) {
  const auto a = run(a_, 1);
  EXPECT_EQ(a.series, 2u);
  EXPECT_EQ(a.blocks.size(), 1u);
  EXPECT_EQ(a.label_values.size(), 1u);
  EXPECT_EQ(a.by_series.size(), 1u);
  EXPECT_EQ(analyze_folder(store_.fs, "data", "none", 1, {}).code(), errc::not_found);
}

TEST_F(analysis_test, damaged_blocks_are_told_and_left_out) {
  store_.fs.flip_bit("data/blocks/" + a_ + "/meta", 3, 1);
  const auto a = run();
  ASSERT_EQ(a.refused.size(), 1u);
  EXPECT_EQ(a.refused[0].file, "data/blocks/" + a_);
  EXPECT_EQ(a.blocks.size(), 2u);
}

}  // namespace
}  // namespace troupe::storage
