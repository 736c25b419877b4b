// Operations that fail, disks that fill up, power cuts: what was acked is there afterwards, bit by
// bit, and nothing that was never appended.
#include "tests/storage/wal/wal_kit.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

/// Appends and commits over several starts until the writer breaks; remembers what was acked and
/// what only appended.
struct load {
  log_content acked;      // a commit said ok
  log_content attempted;  // appended, whatever became of it
  batch_source source;
  size_t no_space = 0;
  bool broken = false;
  bool failed_once = false;

  explicit load(uint64_t seed) : source(seed) {}

  void note(log_content& into, const write_batch& b) {
    log_content one;
    one.add(b);
    into.samples.insert(one.samples.begin(), one.samples.end());
    into.exemplars.insert(one.exemplars.begin(), one.exemplars.end());
    into.metadata.insert(one.metadata.begin(), one.metadata.end());
  }
  void run(wal_writer& w, int batches, uint64_t seed) {
    seeded_random random(seed);
    std::vector<write_batch> open;
    for (int i = 0; i < batches && !broken; ++i) {
      write_batch b = source.next();
      note(attempted, b);
      status s = w.append(b);
      if (s.ok())
        open.push_back(b);
      else
        lose(s, open);
      if (random.below(3) == 0 && !broken)
        commit(w, open);
    }
    if (!broken)
      commit(w, open);
  }
  void commit(wal_writer& w, std::vector<write_batch>& open) {
    status s = w.commit();
    if (!s.ok())
      return lose(s, open);
    for (const auto& b : open)
      note(acked, b);
    open.clear();
  }
  void lose(const status& s, std::vector<write_batch>& open) {
    failed_once = true;
    no_space += s.code() == errc::no_space;
    broken = s.code() != errc::no_space;
    open.clear();
  }
};

void expect_kept(log_fixture& log, const load& l) {
  log_content found = log.reopen_and_replay();
  EXPECT_EQ(found.missing_from(l.attempted) + found.size(), l.attempted.size());
  for (const auto& [key, value] : l.acked.samples) {
    auto it = found.samples.find(key);
    ASSERT_TRUE(it != found.samples.end()) << "an acked sample is gone";
    ASSERT_EQ(it->second, value);
  }
  for (const auto& e : l.acked.exemplars)
    ASSERT_TRUE(found.exemplars.contains(e));
  for (const auto& e : l.acked.metadata)
    ASSERT_TRUE(found.metadata.contains(e));
}

void small(log_fixture& log) {
  log.settings.segment_bytes = 6'000;
  log.settings.key_frame_interval = 5;
}

/// Every operation of a run fails once (or from then on); then the machine dies or the process
/// does.
void every_operation_fails(errc code, bool sticky, bool power_cut) {
  for (uint64_t n = 1;; ++n) {
    log_fixture log(n);
    small(log);
    load l(3);
    ASSERT_TRUE(log.start().ok());
    l.run(*log.writer, 12, 1);
    log.fs.fail_nth(n, code, sticky);
    l.run(*log.writer, 25, 2);
    if (!l.broken && log.writer->cut().code() == errc::io_error)
      l.broken = true;
    if (!l.broken)
      l.run(*log.writer, 5, 3);
    if (log.fs.fault_struck() && code == errc::io_error && sticky) {
      EXPECT_TRUE(l.broken);
    }
    if (!l.broken)
      log.writer->close().ignore();
    bool struck = log.fs.fault_struck();
    log.fs.clear_faults();
    if (power_cut)
      log.fs.crash();
    else
      log.fs.kill();
    expect_kept(log, l);
    if (testing::Test::HasFailure())
      FAIL() << "operation " << n;
    if (!struck) {
      EXPECT_GT(n, 20u);
      break;
    }
  }
}

TEST(wal_failure, io_error_once_at_every_operation_then_power_cut) {
  every_operation_fails(errc::io_error, false, true);
}
TEST(wal_failure, io_error_for_good_from_every_operation_then_kill) {
  every_operation_fails(errc::io_error, true, false);
}
TEST(wal_failure, no_space_once_at_every_operation_then_power_cut) {
  every_operation_fails(errc::no_space, false, true);
}
TEST(wal_failure, no_space_for_good_from_every_operation_then_kill) {
  every_operation_fails(errc::no_space, true, false);
}

/// With an interval a commit ends with the write: a dying process loses nothing, a power cut at
/// most what was committed since the last fdatasync, and readers of the log see only what is on the
/// disk.
TEST(wal_failure, an_interval_puts_fdatasync_off) {
  for (bool power_cut : {false, true}) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      log_fixture log(seed);
      small(log);
      log.settings.sync = options::sync_mode::interval;
      log.settings.sync_interval_ms = 100;
      ASSERT_TRUE(log.start().ok());
      load l(seed);
      log.clk.advance_ms(1000);
      l.run(*log.writer, 20, seed);
      ASSERT_TRUE(log.writer->sync().ok());
      EXPECT_EQ(log.dir->board(0).committed(), log.writer->committed());
      const log_content synced = l.acked;
      l.run(*log.writer, 3, seed + 1);
      if (power_cut)
        log.fs.crash();
      else
        log.fs.kill();
      if (power_cut)
        l.acked = synced;
      expect_kept(log, l);
    }
  }
}

TEST(wal_failure, an_interval_over_is_a_sync_at_the_next_commit) {
  log_fixture log(1);
  log.settings.sync = options::sync_mode::interval;
  log.settings.sync_interval_ms = 100;
  ASSERT_TRUE(log.start().ok());
  log.clk.advance_ms(1000);
  batch_source source(1);
  ASSERT_TRUE(log.writer->append(source.next()).ok());
  ASSERT_TRUE(log.writer->commit().ok());
  EXPECT_EQ(log.dir->board(0).committed(), log.writer->committed());
  log.clk.advance_ms(60);
  ASSERT_TRUE(log.writer->append(source.next()).ok());
  ASSERT_TRUE(log.writer->commit().ok());
  EXPECT_NE(log.dir->board(0).committed(), log.writer->committed());
  log.clk.advance_ms(60);
  ASSERT_TRUE(log.writer->append(source.next()).ok());
  ASSERT_TRUE(log.writer->commit().ok());
  EXPECT_EQ(log.dir->board(0).committed(), log.writer->committed());
}

TEST(wal_failure, a_broken_log_stays_broken) {
  log_fixture log;
  batch_source source(1);
  ASSERT_TRUE(log.start().ok());
  ASSERT_TRUE(log.writer->append(source.next()).ok());
  log.fs.fail_nth(1, errc::io_error, false, support::op_sync);
  EXPECT_EQ(log.writer->commit().code(), errc::io_error);
  uint64_t operations = log.fs.operations();
  EXPECT_EQ(log.writer->append(source.next()).code(), errc::io_error);
  EXPECT_EQ(log.writer->commit().code(), errc::io_error);
  EXPECT_EQ(log.writer->close().code(), errc::io_error);
  EXPECT_EQ(log.fs.operations(), operations) << "a failed sync must not be tried again";
}

TEST(wal_failure, a_full_disk_refuses_keeps_what_it_has_and_recovers_by_itself) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    log_fixture log(seed);
    small(log);
    load l(seed);
    ASSERT_TRUE(log.start().ok());
    l.run(*log.writer, 20, seed);
    EXPECT_EQ(l.no_space, 0u);
    for (int round = 0; round < 4; ++round) {
      log.fs.set_space_limit(log.fs.used_bytes() + seed * 100);
      l.run(*log.writer, 60, seed + 1);
      EXPECT_GT(l.no_space, 0u);
      EXPECT_FALSE(l.broken);
      log.fs.set_space_limit(0);
      size_t before = l.no_space;
      l.run(*log.writer, 30, seed + 2);
      EXPECT_EQ(l.no_space, before) << "space is back";
    }
    if (seed % 2 == 0) {
      ASSERT_TRUE(log.writer->close().ok());
    }
    log.fs.crash();
    expect_kept(log, l);
    EXPECT_EQ(log.report.samples_lost, 0u);
  }
}

TEST(wal_failure, a_start_on_a_full_disk_appends_as_soon_as_there_is_space) {
  log_fixture log;
  small(log);
  load l(1);
  ASSERT_TRUE(log.start().ok());
  l.run(*log.writer, 10, 1);
  log.writer.reset();
  log.fs.kill();
  auto dir = wal_directory::open(log.settings);
  ASSERT_TRUE(dir.ok());
  log.dir = *std::move(dir);
  log.fs.set_space_limit(log.fs.used_bytes() + 10);
  auto writer = wal_writer::open(*log.dir, 0);
  ASSERT_TRUE(writer.ok());
  log.writer = *std::move(writer);
  l.run(*log.writer, 10, 2);
  EXPECT_GT(l.no_space, 0u);
  // Replay works beside a writer that has no segment yet.
  EXPECT_EQ(log.replay().missing_from(l.acked), 0u);
  log.fs.set_space_limit(0);
  l.run(*log.writer, 10, 3);
  expect_kept(log, l);
}

TEST(wal_failure, rollback_forgets_uncommitted_frames_and_their_state) {
  log_fixture log;
  small(log);
  batch_source source(8);
  log_content acked;
  ASSERT_TRUE(log.start().ok());
  seeded_random random(5);
  for (int i = 0; i < 200; ++i) {
    write_batch b = source.next();
    ASSERT_TRUE(log.writer->append(b).ok());
    if (random.below(3) == 0) {
      ASSERT_TRUE(log.writer->append(source.next()).ok());
      log.writer->rollback();
      EXPECT_EQ(log.writer->uncommitted_frames(), 0u);
      EXPECT_EQ(log.writer->uncommitted_bytes(), 0u);
      continue;
    }
    ASSERT_TRUE(log.writer->commit().ok());
    acked.add(b);
  }
  EXPECT_EQ(log.reopen_and_replay().missing_from(acked), 0u);
  EXPECT_TRUE(log.report.clean());
}

TEST(wal_failure, what_a_failed_write_left_behind_is_not_read_once_a_segment_follows) {
  log_fixture log(4);
  load l(4);
  ASSERT_TRUE(log.start().ok());
  l.run(*log.writer, 5, 1);
  // The sync fails for space: the frames lie in the file, whole, and the cut fails too.
  write_batch lost = l.source.next();
  ASSERT_TRUE(log.writer->append(lost).ok());
  log.fs.fail_nth(1, errc::no_space, false, support::op_sync);
  EXPECT_EQ(log.writer->commit().code(), errc::no_space);
  log.fs.fail_nth(1, errc::no_space, true, support::op_truncate);
  l.run(*log.writer, 5, 2);
  EXPECT_FALSE(l.failed_once);
  log.fs.clear_faults();
  log_content found = log.reopen_and_replay();
  EXPECT_EQ(found.missing_from(l.acked), 0u);
  log_content lost_content;
  lost_content.add(lost);
  for (const auto& [key, value] : lost_content.samples)
    EXPECT_FALSE(found.samples.contains(key));
}

TEST(wal_failure, a_lost_series_log_starts_anew_and_nothing_is_lost) {
  for (uint64_t n = 1; n <= 3; ++n) {
    log_fixture log(n);
    small(log);
    load l(n);
    ASSERT_TRUE(log.start().ok());
    log.fs.fail_only_on(".series");
    log.fs.fail_nth(n, errc::no_space, false, support::op_append);
    l.run(*log.writer, 60, n);
    EXPECT_TRUE(log.fs.fault_struck());
    log.fs.clear_faults();
    EXPECT_FALSE(l.failed_once);
    EXPECT_EQ(log.files(".series").size(), 2u);
    expect_kept(log, l);
  }
}

TEST(wal_failure, a_power_cut_at_any_commit_keeps_what_was_acked) {
  for (uint64_t seed = 1; seed <= 250; ++seed) {
    log_fixture log(seed);
    small(log);
    load l(seed);
    seeded_random random(seed);
    for (int start = 0; start < 3; ++start) {
      ASSERT_TRUE(log.start().ok());
      l.run(*log.writer, 1 + static_cast<int>(random.below(30)), seed + start);
      // Appended and written, not synced.
      write_batch open = l.source.next();
      l.note(l.attempted, open);
      ASSERT_TRUE(log.writer->append(open).ok());
      if (random.below(2)) {
        log.fs.fail_nth(1, errc::io_error, false, support::op_sync);
        EXPECT_FALSE(log.writer->commit().ok());
      }
      if (random.below(4) == 0)
        log.fs.kill();
      else
        log.fs.crash();
    }
    expect_kept(log, l);
    if (HasFailure())
      FAIL() << "seed " << seed;
  }
}

TEST(wal_failure, the_epoch_never_recurs) {
  log_fixture log;
  uint64_t last = 0;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(log.start().ok());
    EXPECT_GT(log.dir->epoch(), last);
    last = log.dir->epoch();
    if (i == 1)
      log.fs.put("data/wal/epoch", "no number");
    if (i == 2)
      log.clk.step_wall_ms(-1'000'000'000);
    log.fs.crash();
  }
  for (uint64_t n = 1; n <= 5; ++n) {
    log.fs.fail_nth(n, errc::io_error);
    status s = log.start();
    log.fs.clear_faults();
    if (s.ok()) {
      EXPECT_GT(log.dir->epoch(), last);
      last = log.dir->epoch();
    }
    log.fs.crash();
  }
}

TEST(wal_failure, reserved_space_is_given_back) {
  log_fixture log;
  log.settings.segment_bytes = 1 << 20;
  batch_source source(2);
  ASSERT_TRUE(log.start().ok());
  ASSERT_TRUE(log.writer->append(source.next()).ok());
  ASSERT_TRUE(log.writer->commit().ok());
  EXPECT_GT(log.fs.used_bytes(), 64u << 10);
  log.writer.reset();
  log.fs.kill();
  log.reopen_and_replay();
  EXPECT_LT(log.fs.used_bytes(), 10'000u) << "after a kill";
  ASSERT_TRUE(log.start().ok());
  ASSERT_TRUE(log.writer->close().ok());
  EXPECT_LT(log.fs.used_bytes(), 10'000u) << "after an orderly end";
}

TEST(wal_failure, space_is_reserved_in_steps) {
  log_fixture log;
  log.settings.segment_bytes = 64 << 20;
  batch_source source(2);
  ASSERT_TRUE(log.start().ok());
  std::set<uint64_t> steps;
  while (log.writer->committed().offset < 5 << 20) {
    for (int i = 0; i < 50; ++i)
      ASSERT_TRUE(log.writer->append(source.next()).ok());
    ASSERT_TRUE(log.writer->commit().ok());
    const uint64_t used = log.fs.used_bytes(), content = log.writer->committed().offset;
    EXPECT_LT(used, 3 * content + (64 << 10)) << "with the series log";
    steps.insert(used >> 16);
  }
  EXPECT_GT(steps.size(), 8u);
  EXPECT_LT(steps.size(), 50u);
}

TEST(wal_failure, a_small_disk_gets_smaller_reservations) {
  log_fixture log;
  log.fs.set_space_limit(3 << 20);
  ASSERT_TRUE(log.start().ok());
  load l(1);
  l.run(*log.writer, 10, 1);
  EXPECT_EQ(l.no_space, 0u);
  expect_kept(log, l);
}

}  // namespace
}  // namespace troupe::storage
