// What is damaged shows: in the report, in the metrics and as warnings.
#include "tests/storage/node_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace troupe::storage {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class storage_damage : public ::testing::Test {
 protected:
  storage_damage() { node.opts.shards = 1; }

  void write(int n) {
    for (int i = 0; i < n; ++i) {
      node.clk.advance_ms(1000);
      node.write({make_sample(labels::from({{"__name__", "m"}, {"job", "a"}, {"instance", "b"}}),
                              node.clk.now_ms(), i)});
    }
  }
  /// Samples, a block of them, and samples behind it.
  std::string write_block() {
    node.opts.min_block_ms = 60'000;
    node.start();
    write(200);
    EXPECT_TRUE(node.maintain().ok());
    write(5);
    const auto blocks = node.store->blocks();
    EXPECT_FALSE(blocks.empty());
    return blocks.empty() ? "" : blocks[0].id;
  }
  std::map<std::string, uint64_t> counts() {
    const auto all = node.store->damage().counts;
    return {all.begin(), all.end()};
  }
  void expect_metric(const std::string& kind, uint64_t n) {
    EXPECT_THAT(node.metrics.render(), HasSubstr("\ntroupe_storage_damage_" + kind + "_total " +
                                                 std::to_string(n) + "\n"));
  }
  std::vector<std::string> warnings() {
    auto q = *node.store->reader().open("", min_time, max_time);
    auto set = *q->select({}, {});
    sample_columns out;
    while (set->next())
      EXPECT_TRUE(set->read(min_time, max_time, out).ok());
    return q->warnings();
  }

  test_node node;
};

TEST_F(storage_damage, a_healthy_node_has_every_kind_at_zero) {
  write_block();
  node.stop();
  node.start();
  const auto report = node.store->damage();
  EXPECT_THAT(report.quarantined, SizeIs(0));
  EXPECT_THAT(report.places, SizeIs(0));
  EXPECT_THAT(report.counts, SizeIs(18));
  for (const auto& [kind, n] : report.counts) {
    EXPECT_EQ(n, 0u) << kind;
    expect_metric(kind, 0);
  }
  EXPECT_THAT(warnings(), SizeIs(0));
}

TEST_F(storage_damage, a_damaged_frame_is_counted_listed_and_kept) {
  node.opts.snapshot_interval_ms = 0;  // a start that has a snapshot does not read that far back
  node.start();
  write(20);
  node.stop();
  std::string path;
  for (const auto& f : node.fs.files("data/wal/"))
    if (f.ends_with(".wal"))
      path = f;
  node.fs.flip_bit(path, node.fs.content(path).size() / 2, 3);
  for (int start = 1; start <= 2; ++start) {
    node.start();
    const auto report = node.store->damage();
    ASSERT_THAT(report.places, SizeIs(1));
    EXPECT_EQ(report.places[0].file, path);
    EXPECT_EQ(report.places[0].reason, "bad_frame");
    EXPECT_GT(report.places[0].bytes, 0u);
    ASSERT_THAT(report.quarantined, SizeIs(1)) << "the same bytes are kept once";
    EXPECT_EQ(report.quarantined[0].bytes, report.places[0].bytes);
    EXPECT_THAT(report.quarantined[0].reason, HasSubstr("bad_frame"));
    EXPECT_EQ(report.quarantined[0].time_ms, node.clk.now_ms());
    EXPECT_EQ(counts()["wal_bad_frames"], 1u);
    EXPECT_EQ(counts()["wal_frames_missing"], 1u);
    expect_metric("wal_bad_frames", static_cast<uint64_t>(start));  // one registry for both starts
    ASSERT_TRUE(node.maintain().ok());
    expect_metric("wal_bad_frames", static_cast<uint64_t>(start));
    node.stop();
  }
}

TEST_F(storage_damage, damaged_chunks_count_when_reads_meet_them) {
  const auto id = write_block();
  node.stop();
  node.fs.flip_bit("data/blocks/" + id + "/chunks", 20, 1);
  node.start();
  EXPECT_EQ(counts()["block_chunks"], 0u);
  for (int read = 0; read < 2; ++read) {
    EXPECT_THAT(warnings(), SizeIs(1));
    EXPECT_EQ(counts()["block_chunks"], 1u);
    EXPECT_GT(counts()["block_samples"], 0u);
  }
  node.opts.max_block_ms = node.opts.min_block_ms;
  ASSERT_TRUE(node.store->maintain(0).ok());
  expect_metric("block_chunks", 1);
}

TEST_F(storage_damage, a_block_that_fails_while_open_is_set_aside_and_stays_told) {
  const auto id = write_block();
  node.fs.fail_mappings("data/blocks/" + id + "/chunks");
  EXPECT_THAT(warnings(), SizeIs(1));
  EXPECT_EQ(counts()["block_read_errors"], 1u);
  ASSERT_TRUE(node.maintain().ok());
  expect_metric("block_read_errors", 1);
  const auto told = warnings();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_THAT(told[0], HasSubstr(id));
  const auto report = node.store->damage();
  ASSERT_THAT(report.quarantined, SizeIs(1));
  EXPECT_EQ(report.quarantined[0].path, "data/quarantine/" + id);
  EXPECT_EQ(report.quarantined[0].time_ms, node.clk.now_ms());
}

TEST_F(storage_damage, a_block_without_its_meta_warns_queries_of_the_range_in_its_index) {
  const auto id = write_block();
  const auto lost = node.store->blocks()[0];
  node.stop();
  node.fs.put("data/blocks/" + id + "/meta", "");
  for (int start = 0; start < 2; ++start) {
    node.start();
    const auto warned = [&](timestamp_ms mint, timestamp_ms maxt) {
      return (*node.store->reader().open("", mint, maxt))->warnings().size();
    };
    EXPECT_EQ(warned(lost.min_time, lost.max_time - 1), 1u);
    EXPECT_EQ(warned(lost.max_time, lost.max_time + 1000), 0u);
    EXPECT_EQ(warned(min_time, lost.min_time - 1), 0u);
    const auto known = node.store->blocks();
    EXPECT_TRUE(std::any_of(known.begin(), known.end(), [&](const block_info& b) {
      return b.id == id && b.samples == lost.samples;
    }));
    node.stop();
  }
}

TEST_F(storage_damage, a_block_of_unknown_range_is_told_but_warns_no_query) {
  const auto id = write_block();
  node.stop();
  node.fs.put("data/blocks/" + id + "/meta", "");
  node.fs.cut("data/blocks/" + id + "/index", 100);
  for (int start = 0; start < 2; ++start) {
    node.start();
    EXPECT_THAT(warnings(), SizeIs(0));
    const auto report = node.store->damage();
    ASSERT_THAT(report.quarantined, SizeIs(1));
    EXPECT_EQ(report.quarantined[0].path, "data/quarantine/" + id);
    node.stop();
  }
}

TEST_F(storage_damage, the_background_check_finds_and_repairs_what_no_query_touches) {
  const auto id = write_block();
  node.stop();
  node.fs.flip_bit("data/blocks/" + id + "/chunks", 20, 1);
  node.start();
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_EQ(counts()["block_places"], 0u);
  node.clk.advance_ms(10'000);
  ASSERT_TRUE(node.maintain().ok());
  expect_metric("block_places", 1);
  expect_metric("block_chunks", 1);
  const auto text = node.metrics.render();
  EXPECT_THAT(text, HasSubstr("\ntroupe_storage_blocks_repaired 1\n"));
  EXPECT_THAT(text, HasSubstr("\ntroupe_storage_scrub_progress_ratio 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("\ntroupe_storage_scrub_bytes 0\n")));
  EXPECT_THAT(text, Not(HasSubstr("\ntroupe_storage_scrub_last_pass_timestamp_seconds 0\n")));
  const auto report = node.store->damage();
  ASSERT_THAT(report.places, SizeIs(1));
  EXPECT_EQ(report.places[0].file, "data/blocks/" + id + "/chunks");
  ASSERT_THAT(report.quarantined, SizeIs(1));
  EXPECT_EQ(report.quarantined[0].path, "data/quarantine/" + id);
  EXPECT_THAT(warnings(), SizeIs(1)) << "the range of the lost samples is told for ever";
}

TEST_F(storage_damage, a_block_that_cannot_be_read_now_is_listed_where_it_is) {
  const auto id = write_block();
  node.stop();
  node.fs.fail_only_on(id + "/index");
  node.fs.fail_nth(1, errc::io_error, false, support::op_read);
  node.start();
  const auto report = node.store->damage();
  ASSERT_THAT(report.quarantined, SizeIs(1));
  EXPECT_EQ(report.quarantined[0].path, "data/blocks/" + id);
  EXPECT_EQ(counts()["block_load_failures"], 1u);
  expect_metric("block_load_failures", 1);
}

}  // namespace
}  // namespace troupe::storage
