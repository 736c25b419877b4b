// Closed chunks in files: a cache that may fail, be damaged or be lost, and never costs a sample.
#include "tests/storage/node_fixture.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

constexpr int series_count = 6;

class head_files : public testing::Test {
 protected:
  head_files() {
    // Wide ranges: nothing is cut unless a test wants it.
    node_.opts.min_block_ms = 7'200'000;
    node_.opts.max_block_ms = 72'000'000;
    node_.start();
    start_ = node_.clk.now_ms() / 7'200'000 * 7'200'000;
  }

  void write(int rounds) {
    for (int i = 0; i < rounds; ++i, ++round_) {
      test_samples samples;
      for (int n = 0; n < series_count; ++n) {
        const labels series = labels::from(
            {{"__name__", "m" + std::to_string(n)}, {"instance", "a:1"}, {"job", "j"}});
        const timestamp_ms ts = start_ + round_ * 10'000;
        const double value = n == 0 ? 1.0 : static_cast<double>(round_) / (n + 0.5);
        samples.push_back(make_sample(series, ts, value));
        want_[series.to_string()][ts] = {value, no_start_timestamp, nullptr};
      }
      node_.write(samples);
      node_.clk.advance_ms(10'000);
    }
  }
  std::vector<std::string> files() const { return node_.fs.files("data/head_chunks"); }

  test_node node_;
  timestamp_ms start_ = 0;
  int round_ = 0;
  store_content want_;
};

TEST_F(head_files, chunks_go_to_files_and_the_files_with_their_cut) {
  EXPECT_FALSE(node_.store->holds_too_much());
  write(700);
  EXPECT_TRUE(files().empty());
  EXPECT_TRUE(node_.store->holds_too_much());
  ASSERT_TRUE(node_.maintain().ok());
  EXPECT_FALSE(node_.store->holds_too_much());
  EXPECT_GT(files().size(), 3u);
  EXPECT_EQ(difference(node_.read(), want_), "");
  write(600);  // 13,000 s: the first range is due
  ASSERT_TRUE(node_.maintain().ok());
  EXPECT_EQ(node_.store->blocks().size(), 1u);
  EXPECT_EQ(difference(node_.read(), want_), "");
  // A file is as old as the last cut at most.
  const size_t now = files().size();
  write(720);
  ASSERT_TRUE(node_.maintain().ok());
  EXPECT_EQ(node_.store->blocks().size(), 2u);
  EXPECT_LT(files().size(), 2 * now + 4);
  EXPECT_EQ(difference(node_.read(), want_), "");
}

TEST_F(head_files, a_restart_begins_with_none) {
  write(700);
  ASSERT_TRUE(node_.maintain().ok());
  const auto before = files();
  node_.kill();
  node_.start();
  // What replay closes is written again.
  EXPECT_EQ(difference(node_.read(), want_), "");
  ASSERT_TRUE(node_.maintain().ok());
  EXPECT_LE(files().size(), before.size() + 2);
  node_.crash();
  node_.start();
  EXPECT_EQ(difference(node_.read(), want_), "");
}

// A full or broken disk under the files leaves chunks in memory; later ones are tried again.
TEST_F(head_files, what_cannot_be_written_stays_in_memory) {
  for (const errc code : {errc::no_space, errc::io_error}) {
    write(350);  // a failure is not tried again before there is more to write
    node_.fs.fail_only_on("head_chunks");
    node_.fs.fail_nth(1, code, true, support::op_append | support::op_create | support::op_read);
    ASSERT_TRUE(node_.maintain().ok());
    EXPECT_TRUE(node_.fs.fault_struck());
    EXPECT_FALSE(node_.store->holds_too_much()) << "or rounds of work would follow each other";
    EXPECT_EQ(difference(node_.read(), want_), "");
  }
  EXPECT_TRUE(files().empty());
  node_.fs.clear_faults();
  write(300);
  ASSERT_TRUE(node_.maintain().ok());
  EXPECT_GT(files().size(), 3u);
  EXPECT_EQ(difference(node_.read(), want_), "");
}

}  // namespace
}  // namespace troupe::storage
