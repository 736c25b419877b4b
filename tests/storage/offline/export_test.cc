// A folder read whole, head and blocks, and written as blocks of Prometheus; killed at every write.
#include "storage/compact/compactor.h"
#include "storage/offline/tsdb_export.h"
#include "storage/offline/tsdb_source.h"
#include "storage/tsdb/folder.h"
#include "tests/storage/block/series_data.h"
#include "tests/storage/node_fixture.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

using test::flat;

class offline_export : public ::testing::Test {
 protected:
  offline_export() {
    node_.opts.min_block_ms = 7'200'000;
    node_.opts.max_block_ms = 72'000'000;
    node_.start();
    // Five hours: a part is in blocks, the rest in the log.
    const timestamp_ms begin = node_.clk.now_ms() / 7'200'000 * 7'200'000;
    for (int i = 0; i < 300; ++i) {
      test_samples samples;
      for (int n = 0; n < 4; ++n) {
        const auto series = labels::from({{"__name__", "m"}, {"n", std::to_string(n)}});
        const timestamp_ms ts = begin + i * 60'000;
        samples.push_back(make_sample(series, ts, i % 50 == 7 ? stale_nan() : i / (n + 0.5)));
        want_[series.to_string()][ts] = samples.back().value.value;
      }
      node_.write(samples);
      node_.clk.advance_ms(60'000);
    }
    EXPECT_TRUE(node_.maintain().ok());
    EXPECT_GT(node_.store->blocks().size(), 0u);
    EXPECT_GT(node_.store->stats(1).series, 0u);
    node_.stop();
  }

  std::unique_ptr<offline_store> open() {
    auto out = offline_store::open(node_.fs, node_.clk, ++seed_, "data");
    EXPECT_TRUE(out.ok()) << out.error().message();
    return out.ok() ? std::move(*out) : nullptr;
  }
  result<export_report> run(const offline_store& from) {
    return export_tsdb(node_.fs, node_.clk, random_, from, "", filter_, "out", {});
  }
  flat exported(uint64_t& samples) {
    const auto folder = tsdb::open_folder(node_.fs, "out");
    EXPECT_TRUE(folder.ok()) << folder.error().message();
    if (!folder.ok())
      return {};
    samples = 0;
    for (const auto& b : folder->blocks)
      samples += b->about().samples;
    auto set = tsdb_source(*folder).open(min_time, max_time);
    return test::drain(**set);
  }
  flat wanted() const {
    flat out;
    for (const auto& [name, rows] : want_) {
      sample_columns c;
      for (const auto& [ts, v] : rows)
        append_float(c, ts, v);
      test::flatten(name, c, out);
    }
    return out;
  }

  test_node node_;
  seeded_random random_{1};
  uint64_t seed_ = 100;
  sample_filter filter_;
  std::map<std::string, std::map<timestamp_ms, double>> want_;
};

TEST_F(offline_export, head_and_blocks_with_every_bit) {
  const auto from = open();
  const auto r = run(*from);
  ASSERT_TRUE(r.ok()) << r.error().message();
  uint64_t samples = 0;
  EXPECT_EQ(exported(samples), wanted());
  EXPECT_EQ(samples, 1200u);
  EXPECT_EQ(r->samples, 1200u);
  EXPECT_TRUE(r->warnings.empty());
  EXPECT_FALSE(node_.fs.exists("out/troupe-export.state"));
  // Never into what is there.
  EXPECT_EQ(run(*from).code(), errc::already_exists);
}

TEST_F(offline_export, only_what_the_filter_wants) {
  const auto from = open();
  filter_.selectors = {{matcher::equal("n", "2")}};
  filter_.mint = want_.begin()->second.begin()->first + 600'000;
  ASSERT_TRUE(run(*from).ok());
  uint64_t samples = 0;
  const flat got = exported(samples);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(samples, 290u);
}

TEST_F(offline_export, killed_at_every_write_it_neither_loses_nor_doubles) {
  const auto from = open();
  uint64_t resumed = 0;
  for (uint64_t n = 1;; ++n) {
    ASSERT_TRUE(node_.fs.remove_all("out").ok());
    node_.fs.fail_only_on("out");
    node_.fs.fail_nth(n, errc::io_error, true);
    const auto r = run(*from);
    const bool struck = node_.fs.fault_struck();
    node_.fs.clear_faults();
    if (!struck)
      break;
    EXPECT_FALSE(r.ok()) << n;
    const auto again = run(*from);
    ASSERT_TRUE(again.ok()) << n << " " << again.error().message();
    resumed += again->ranges_resumed;
    uint64_t samples = 0;
    ASSERT_EQ(exported(samples), wanted()) << n;
    ASSERT_EQ(samples, 1200u) << n;
  }
  EXPECT_GT(resumed, 0u);
}

TEST_F(offline_export, folder_must_be_one_and_free) {
  EXPECT_EQ(offline_store::open(node_.fs, node_.clk, 1, "none").code(), errc::not_found);
  EXPECT_FALSE(node_.fs.exists("none"));
  const auto held = open();
  EXPECT_EQ(offline_store::open(node_.fs, node_.clk, 1, "data").code(), errc::already_exists);
}

}  // namespace
}  // namespace troupe::storage
