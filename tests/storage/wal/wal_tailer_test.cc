// Following a live log: committed frames only, from any sequence, over segments, starts and
// checkpoints.
#include "storage/wal/wal_tailer.h"

#include "storage/wal/checkpoint.h"
#include "tests/storage/wal/wal_kit.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

class drop_all final : public checkpoint_filter {
 public:
  bool keep_sample(const wal_series&, timestamp_ms) override { return false; }
  bool keep_exemplar(const wal_series&, timestamp_ms) override { return false; }
  bool keep_tombstone(std::string_view, const tombstone_entry&) override { return false; }
  bool keep_metadata(std::string_view, const metadata_entry&) override { return false; }
};

void drain(wal_tailer& tailer, collector& sink, size_t budget = 300) {
  for (;;) {
    auto done = tailer.step(sink, budget);
    ASSERT_TRUE(done.ok());
    if (*done)
      return;
  }
}

void condense(log_fixture& log) {
  ASSERT_TRUE(log.writer->cut().ok());
  drop_all filter;
  auto job = checkpoint_writer::open(*log.dir, 0, log.writer->current_segment(), filter);
  ASSERT_TRUE(job.ok());
  ASSERT_TRUE(*(*job)->step(1 << 30));
  ASSERT_TRUE(log.dir->collect().ok());
}

void write_one(log_fixture& log, batch_source& source, log_content& acked) {
  write_batch b = source.next();
  ASSERT_TRUE(log.writer->append(b).ok());
  ASSERT_TRUE(log.writer->commit().ok());
  acked.add(b);
}

void small(log_fixture& log) {
  log.settings.segment_bytes = 3'000;
  log.settings.key_frame_interval = 5;
}

TEST(wal_tailer, sees_every_committed_frame_once_and_no_other) {
  log_fixture log(1);
  small(log);
  batch_source source(1);
  log_content acked;
  ASSERT_TRUE(log.start().ok());
  auto tailer = wal_tailer::open(*log.dir, 0, {});
  ASSERT_TRUE(tailer.ok());
  collector sink;
  for (int i = 0; i < 120; ++i) {
    write_one(log, source, acked);
    if (i % 7 == 0) {
      ASSERT_TRUE(log.writer->append(source.next()).ok());
      drain(**tailer, sink);
      EXPECT_EQ(sink.content, acked);
      log.writer->rollback();
    }
  }
  drain(**tailer, sink);
  EXPECT_EQ(sink.content, acked);
  EXPECT_EQ(sink.doubled, 0u);
  EXPECT_TRUE((*tailer)->report().clean());
}

TEST(wal_tailer, starts_at_any_sequence_of_a_stream) {
  log_fixture log(2);
  small(log);
  batch_source::shape shape;
  shape.targets = 1;
  shape.senders = 0;
  batch_source source(2, shape);
  ASSERT_TRUE(log.start().ok());
  std::vector<write_batch> batches;
  for (int i = 0; i < 80; ++i) {
    batches.push_back(source.next());
    ASSERT_TRUE(log.writer->append(batches.back()).ok());
    ASSERT_TRUE(log.writer->commit().ok());
  }
  ASSERT_GT(log.files(".wal").size(), 4u);
  uint16_t stream = batches[0].table->slot(0);
  for (uint64_t from = 1; from <= 81; ++from) {
    auto tailer = wal_tailer::open(*log.dir, 0, {log.dir->epoch(), stream, from});
    ASSERT_TRUE(tailer.ok());
    collector sink;
    drain(**tailer, sink, 1 << 20);
    log_content want;
    for (size_t i = from - 1; i < batches.size(); ++i)
      want.add(batches[i]);
    EXPECT_EQ(sink.content, want) << from;
    if (from > 40) {
      EXPECT_GT((*tailer)->position().segment, 1u);
      EXPECT_LT((*tailer)->report().frames, 60u) << "starts near the place";
    }
  }
  EXPECT_EQ(wal_tailer::open(*log.dir, 0, {1, 300, 1}).code(), errc::invalid_argument);
}

TEST(wal_tailer, a_held_reader_misses_nothing_over_checkpoints_and_a_restart) {
  log_fixture log(3);
  small(log);
  batch_source source(3);
  log_content acked;
  ASSERT_TRUE(log.start().ok());
  uint64_t epoch = log.dir->epoch();
  collector sink;
  {
    auto tailer = wal_tailer::open(*log.dir, 0, {}, "remote/x", 1 << 20);
    ASSERT_TRUE(tailer.ok());
    for (int i = 0; i < 30; ++i)
      write_one(log, source, acked);
    condense(log);
    drain(**tailer, sink);
    EXPECT_EQ(sink.content, acked);
    // It has moved on, so what it has read may go.
    size_t files = log.files(".wal").size();
    ASSERT_TRUE(log.dir->collect().ok());
    EXPECT_LT(log.files(".wal").size(), files);
    for (int i = 0; i < 30; ++i)
      write_one(log, source, acked);
    condense(log);
  }
  log.writer.reset();
  log.fs.crash();
  ASSERT_TRUE(log.start().ok());
  for (int i = 0; i < 30; ++i)
    write_one(log, source, acked);
  condense(log);
  auto tailer = wal_tailer::open(*log.dir, 0, {epoch}, "remote/x", 1 << 20);
  ASSERT_TRUE(tailer.ok());
  collector rest;
  drain(**tailer, rest);
  // The second reader starts at the segment of the first one's last position: some come again, none
  // is missing.
  rest.content.missing_from(acked);
  log_content both = sink.content;
  both.samples.insert(rest.content.samples.begin(), rest.content.samples.end());
  EXPECT_EQ(both.samples, acked.samples);
  EXPECT_EQ((*tailer)->report().samples_lost, 0u);
}

TEST(wal_tailer, without_a_hold_what_is_gone_is_skipped_and_the_rest_decodes) {
  log_fixture log(4);
  small(log);
  batch_source source(4);
  log_content before, after;
  ASSERT_TRUE(log.start().ok());
  for (int i = 0; i < 40; ++i)
    write_one(log, source, before);
  condense(log);
  for (int i = 0; i < 40; ++i)
    write_one(log, source, after);
  auto tailer = wal_tailer::open(*log.dir, 0, {});
  ASSERT_TRUE(tailer.ok());
  collector sink;
  drain(**tailer, sink);
  // References from before the checkpoint come from the series log.
  EXPECT_EQ(sink.content, after);
  EXPECT_EQ((*tailer)->report().samples_lost, 0u);
}

TEST(wal_tailer, forgets_old_series_when_a_new_series_log_begins) {
  log_fixture log(5);
  small(log);
  log_content acked;
  ASSERT_TRUE(log.start().ok());
  auto tailer = wal_tailer::open(*log.dir, 0, {});
  ASSERT_TRUE(tailer.ok());
  collector sink;
  timestamp_ms ts = 0;
  for (int i = 0; i < 200; ++i) {
    std::vector<labels> series;
    for (int k = 0; k < 50; ++k)
      series.push_back(make_series({{"__name__", "churn"},
                                    {"job", "j"},
                                    {"instance", "c"},
                                    {"id", std::to_string(i * 50 + k)}}));
    write_batch b = simple_batch(table_of(series), ++ts, std::vector<double>(50, i), 5);
    ASSERT_TRUE(log.writer->append(b).ok());
    ASSERT_TRUE(log.writer->commit().ok());
    acked.add(b);
    drain(**tailer, sink);
  }
  EXPECT_GT(log.files(".series").size(), 1u);
  EXPECT_EQ(sink.content, acked);
}

}  // namespace
}  // namespace troupe::storage
