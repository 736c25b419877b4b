// Checkpoints keep what is still needed, whatever fails meanwhile; old files go, holds keep them up
// to their limit.
#include "storage/wal/checkpoint.h"
#include "tests/storage/wal/wal_kit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace troupe::storage {
namespace {

/// Keeps what is not older than a time.
class newer_than final : public checkpoint_filter {
 public:
  explicit newer_than(timestamp_ms t) : time_(t) {}
  bool keep_sample(const wal_series&, timestamp_ms ts) override { return ts >= time_; }
  bool keep_exemplar(const wal_series&, timestamp_ms ts) override { return ts >= time_; }
  bool keep_tombstone(std::string_view, const tombstone_entry& e) override {
    return e.maxt >= time_;
  }
  bool keep_metadata(std::string_view, const metadata_entry&) override { return true; }

 private:
  timestamp_ms time_;
};

timestamp_ms time_of(const std::string& sample_key) {
  // The timestamp is in the last eight bytes.
  timestamp_ms ts;
  std::memcpy(&ts, sample_key.data() + sample_key.size() - 8, 8);
  return ts;
}

status write_some(log_fixture& log, batch_source& source, log_content& acked, int n) {
  for (int i = 0; i < n; ++i) {
    write_batch b = source.next();
    TROUPE_TRY(log.writer->append(b));
    TROUPE_TRY(log.writer->commit());
    acked.add(b);
  }
  return {};
}

/// Cuts, condenses everything before and collects.
status checkpoint(log_fixture& log, timestamp_ms min_time,
                  checkpoint_writer::counts* out = nullptr) {
  TROUPE_TRY(log.writer->cut());
  newer_than filter(min_time);
  TROUPE_ASSIGN(auto job,
                checkpoint_writer::open(*log.dir, 0, log.writer->current_segment(), filter));
  for (;;) {
    TROUPE_ASSIGN(bool done, job->step(500));
    if (done)
      break;
  }
  if (out)
    *out = job->totals();
  auto freed = log.dir->collect();
  return freed.ok() ? status() : freed.error();
}

/// Nothing at or after `min_time` is missing, nothing is wrong.
void expect_since(const log_content& found, const log_content& acked, timestamp_ms min_time) {
  found.missing_from(acked);
  for (const auto& [key, value] : acked.samples)
    if (time_of(key) >= min_time) {
      ASSERT_TRUE(found.samples.contains(key));
    }
  for (const auto& e : acked.metadata)
    ASSERT_TRUE(found.metadata.contains(e));
}

void small(log_fixture& log) {
  log.settings.segment_bytes = 4'000;
  log.settings.key_frame_interval = 5;
}

constexpr timestamp_ms begin = 1'700'000'000'000;

TEST(wal_checkpoint, keeps_what_the_filter_keeps_over_many_rounds_and_starts) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    log_fixture log(seed);
    small(log);
    batch_source source(seed);
    log_content acked;
    timestamp_ms min_time = begin;
    for (int start = 0; start < 3; ++start) {
      ASSERT_TRUE(log.start().ok());
      for (int round = 0; round < 3; ++round) {
        ASSERT_TRUE(write_some(log, source, acked, 40).ok());
        min_time += 100'000;
        checkpoint_writer::counts counts;
        ASSERT_TRUE(checkpoint(log, min_time, &counts).ok());
        EXPECT_GT(counts.samples_dropped, 0u);
        EXPECT_LE(log.files(".wal").size(), 1u);
        EXPECT_EQ(log.files(".checkpoint").size(), 1u);
        EXPECT_EQ(log.files(".table").size(), 1u);
        EXPECT_LE(log.files(".series").size(), 1u);
        // Groups go on with references from before the checkpoint.
        ASSERT_TRUE(write_some(log, source, acked, 20).ok());
      }
      if (start == 1) {
        ASSERT_TRUE(log.writer->close().ok());
      }
      log.fs.crash();
      log_content found = log.reopen_and_replay();
      EXPECT_TRUE(log.report.clean()) << seed;
      EXPECT_EQ(log.doubled, 0u);
      expect_since(found, acked, min_time);
      EXPECT_LT(found.samples.size(), acked.samples.size());
      ASSERT_FALSE(acked.positions.empty());
      EXPECT_TRUE(std::find(found.positions.begin(), found.positions.end(),
                            acked.positions.back()) != found.positions.end());
    }
  }
}

TEST(wal_checkpoint, survives_every_failing_operation) {
  for (errc code : {errc::io_error, errc::no_space}) {
    for (uint64_t n = 1;; ++n) {
      log_fixture log(n);
      small(log);
      batch_source source(6);
      log_content acked;
      ASSERT_TRUE(log.start().ok());
      ASSERT_TRUE(write_some(log, source, acked, 50).ok());
      ASSERT_TRUE(log.writer->cut().ok());
      log.fs.fail_nth(n, code);
      checkpoint(log, begin + 60'000).ignore();
      bool struck = log.fs.fault_struck();
      log.fs.clear_faults();
      if (n % 2 == 0)
        log.fs.crash();
      else
        log.fs.kill();
      expect_since(log.reopen_and_replay(), acked, begin + 60'000);
      EXPECT_TRUE(log.fs.files("data/wal/").size() < 30);
      for (const auto& f : log.fs.files("data/wal/"))
        EXPECT_FALSE(f.ends_with(".tmp"));
      if (HasFailure())
        FAIL() << "operation " << n;
      if (!struck) {
        EXPECT_GT(n, 10u);
        break;
      }
    }
  }
}

TEST(wal_checkpoint, any_flipped_byte_costs_one_frame_of_it) {
  log_fixture log(3);
  small(log);
  batch_source::shape shape;
  shape.targets = 2;
  shape.series_per_target = 3;
  shape.senders = 0;
  batch_source source(3, shape);
  log_content acked;
  ASSERT_TRUE(log.start().ok());
  ASSERT_TRUE(write_some(log, source, acked, 30).ok());
  ASSERT_TRUE(checkpoint(log, begin).ok());
  log.writer.reset();
  log.fs.kill();
  log_content whole = log.reopen_and_replay();
  EXPECT_EQ(whole.missing_from(acked), 0u);
  for (const char* extension : {".checkpoint", ".table"}) {
    std::string path = log.files(extension)[0];
    size_t size = log.fs.content(path).size();
    for (size_t at = 0; at < size; ++at) {
      log.fs.flip_bit(path, at, at % 8);
      size_t missing = log.reopen_and_replay().missing_from(whole);
      EXPECT_LE(missing, extension == std::string(".table") ? 0u : 20u) << at;
      log.fs.flip_bit(path, at, at % 8);
    }
  }
}

TEST(wal_checkpoint, with_another_shard_count_old_files_go_when_all_shards_have_theirs) {
  log_fixture log(4);
  small(log);
  batch_source source(4);
  log_content acked;
  ASSERT_TRUE(log.start().ok());
  ASSERT_TRUE(write_some(log, source, acked, 40).ok());
  log.writer.reset();
  log.settings.shards = 3;
  auto dir = wal_directory::open(log.settings);
  ASSERT_TRUE(dir.ok());
  log.dir = *std::move(dir);
  size_t old_files = log.files(".wal").size();
  for (uint32_t shard = 0; shard < 3; ++shard) {
    auto writer = wal_writer::open(*log.dir, shard);
    ASSERT_TRUE(writer.ok());
    newer_than filter(begin);
    auto job = checkpoint_writer::open(*log.dir, shard, 1, filter);
    ASSERT_TRUE(job.ok());
    ASSERT_TRUE(*(*job)->step(1 << 30));
    ASSERT_TRUE(log.dir->collect().ok());
    EXPECT_EQ(log.files("001-00000001.wal").size(), shard == 2 ? 0u : 1u);
    ASSERT_TRUE((*writer)->close().ok());
  }
  EXPECT_GT(old_files, 2u);
  log_content all;
  auto again = wal_directory::open(log.settings);
  ASSERT_TRUE(again.ok());
  log.dir = *std::move(again);
  for (uint32_t shard = 0; shard < 3; ++shard) {
    log_content part = log.replay(shard);
    EXPECT_EQ(log.doubled, 0u);
    all.samples.merge(part.samples);
    all.metadata.merge(part.metadata);
    all.exemplars.merge(part.exemplars);
  }
  EXPECT_EQ(all.missing_from(acked), 0u);
}

TEST(wal_checkpoint, refuses_what_makes_no_sense) {
  log_fixture log(5);
  small(log);
  ASSERT_TRUE(log.start().ok());
  newer_than filter(0);
  EXPECT_EQ(checkpoint_writer::open(*log.dir, 0, 2, filter).code(), errc::invalid_argument);
  ASSERT_TRUE(checkpoint(log, 0).ok());
  EXPECT_EQ(checkpoint_writer::open(*log.dir, 0, 2, filter).code(), errc::already_exists);
}

TEST(wal_checkpoint, a_job_that_is_dropped_leaves_nothing) {
  log_fixture log(6);
  small(log);
  batch_source source(1);
  log_content acked;
  ASSERT_TRUE(log.start().ok());
  ASSERT_TRUE(write_some(log, source, acked, 30).ok());
  ASSERT_TRUE(log.writer->cut().ok());
  auto files = log.fs.files();
  {
    newer_than filter(0);
    auto job = checkpoint_writer::open(*log.dir, 0, log.writer->current_segment(), filter);
    ASSERT_TRUE(job.ok());
    ASSERT_FALSE(*(*job)->step(100));
  }
  EXPECT_EQ(log.fs.files(), files);
}

// --- holds ---

TEST(wal_hold, keeps_superseded_segments_up_to_its_limit_and_is_durable) {
  log_fixture log(7);
  small(log);
  batch_source source(7);
  log_content acked;
  ASSERT_TRUE(log.start().ok());
  ASSERT_TRUE(write_some(log, source, acked, 60).ok());
  uint64_t epoch = log.dir->epoch();
  ASSERT_TRUE(log.dir->set_hold({"remote/a", 0, {epoch, 2, 0}, 1 << 20, false}).ok());
  size_t before = log.files(".wal").size();
  ASSERT_GT(before, 3u);
  ASSERT_TRUE(checkpoint(log, begin).ok());
  EXPECT_EQ(log.files(".wal").size(), before) << "all but the first, and the new one";
  log.fs.crash();

  // After a restart the hold is still there, and held files are not replayed twice.
  log_content found = log.reopen_and_replay();
  EXPECT_EQ(found.missing_from(acked), 0u);
  EXPECT_EQ(log.doubled, 0u);
  ASSERT_EQ(log.dir->holds().size(), 1u);
  EXPECT_EQ(log.dir->holds()[0].position.segment, 2u);
  ASSERT_TRUE(log.dir->collect().ok());
  EXPECT_EQ(log.files(".wal").size(), before);

  // A small limit: the oldest go, the hold is broken.
  ASSERT_TRUE(log.dir->set_hold({"remote/a", 0, {epoch, 2, 0}, 9'000, false}).ok());
  ASSERT_TRUE(log.dir->collect().ok());
  EXPECT_LT(log.files(".wal").size(), before);
  EXPECT_GT(log.files(".wal").size(), 1u);
  EXPECT_TRUE(log.dir->holds()[0].broken);
  ASSERT_TRUE(log.dir->release_hold("remote/a").ok());
  ASSERT_TRUE(log.dir->collect().ok());
  EXPECT_EQ(log.files(".wal").size(), 1u);
  EXPECT_TRUE(log.dir->holds().empty());
  EXPECT_EQ(log.dir->set_hold({"bad name", 0, {}, 1, false}).code(), errc::invalid_argument);
}

}  // namespace
}  // namespace troupe::storage
