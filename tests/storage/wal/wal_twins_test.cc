// The planted bugs of this module change what these tests see: each one is caught by the oracle
// that the rest of the suite uses. Without the twins compiled in there is nothing to plant.
#include "storage/base/fault_twin.h"
#include "tests/storage/wal/wal_kit.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

enum class ending { kill, crash };

/// True if a load with restarts shows nothing missing and nothing wrong.
bool all_is_well(ending how, uint64_t seed) {
  log_fixture log(seed);
  log.settings.segment_bytes = 3'000;
  log.settings.key_frame_interval = 4;
  batch_source source(seed);
  log_content acked;
  for (int start = 0; start < 2; ++start) {
    if (!log.start().ok())
      return false;
    for (int i = 0; i < 40; ++i) {
      write_batch b = source.next();
      if (!log.writer->append(b).ok() || !log.writer->commit().ok())
        return false;
      acked.add(b);
    }
    if (how == ending::kill)
      log.fs.kill();
    else
      log.fs.crash();
  }
  log_content found = log.reopen_and_replay();
  return found.samples == acked.samples;
}

TEST(wal_twins, the_oracle_is_content_without_a_bug) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    EXPECT_TRUE(all_is_well(ending::kill, seed));
    EXPECT_TRUE(all_is_well(ending::crash, seed));
  }
}

#ifdef TROUPE_FAULT_TWINS
class with_twin {
 public:
  explicit with_twin(fault_twin twin) { active_fault_twin = twin; }
  ~with_twin() { active_fault_twin = fault_twin::none; }
};

size_t caught(fault_twin twin, ending how) {
  with_twin planted(twin);
  size_t n = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed)
    n += !all_is_well(how, seed);
  return n;
}

TEST(wal_twins, skip_fsync_is_caught_by_power_cuts) {
  EXPECT_GE(caught(fault_twin::skip_fsync, ending::crash), 5u);
}
TEST(wal_twins, drop_tail_is_caught) {
  EXPECT_EQ(caught(fault_twin::drop_tail, ending::kill), 10u);
}
TEST(wal_twins, lose_dictionary_is_caught) {
  EXPECT_EQ(caught(fault_twin::lose_dictionary, ending::kill), 10u);
}
TEST(wal_twins, segment_cut_off_by_one_is_caught) {
  EXPECT_EQ(caught(fault_twin::segment_cut_off_by_one, ending::kill), 10u);
}
TEST(wal_twins, skip_key_frame_is_caught) {
  EXPECT_EQ(caught(fault_twin::skip_key_frame, ending::kill), 10u);
}
#endif

}  // namespace
}  // namespace troupe::storage
