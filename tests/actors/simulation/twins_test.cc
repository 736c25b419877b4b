// Tests the tester: each planted bug must be caught by the simulation within a bounded number of
// seeds.
#include "storage/base/fault_twin.h"
#include "storage/base/log.h"
#include "tests/actors/simulation/traffic.h"

#include <gtest/gtest.h>

#ifdef TROUPE_FAULT_TWINS

namespace troupe::simulation {
namespace {

struct twin {
  const char* name;
  fault_twin bug;
  bool wal_damage;      ///< shows only where recovery from damage has to use what the bug spoils
  bool region = false;  ///< shows only in topics
};

class Twins : public ::testing::TestWithParam<twin> {
 protected:
  void SetUp() override { configure_log(log_level::off, log_format::logfmt); }
  void TearDown() override { active_fault_twin = fault_twin::none; }
};

TEST_P(Twins, IsCaught) {
  active_fault_twin = GetParam().bug;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    scenario s;
    s.seed = seed;
    s.wal_damage = GetParam().wal_damage;
    s.region = GetParam().region;
    run_result got = play(s);
    if (!got.error.empty()) {
      std::printf("caught by seed %llu: %s\n", (unsigned long long)seed, got.error.c_str());
      return;
    }
  }
  FAIL() << GetParam().name << " was not caught by 300 seeds";
}

INSTANTIATE_TEST_SUITE_P(
    All, Twins,
    ::testing::Values(twin{"skip_fsync", fault_twin::skip_fsync, false},
                      twin{"ack_early", fault_twin::ack_early, false},
                      twin{"apply_twice", fault_twin::apply_twice, false},
                      twin{"drop_tail", fault_twin::drop_tail, false},
                      twin{"lose_dictionary", fault_twin::lose_dictionary, false},
                      twin{"segment_cut_off_by_one", fault_twin::segment_cut_off_by_one, false},
                      twin{"ignore_staleness", fault_twin::ignore_staleness, false},
                      twin{"swap_values", fault_twin::swap_values, false},
                      twin{"skip_key_frame", fault_twin::skip_key_frame, true},
                      twin{"compact_drops_last", fault_twin::compact_drops_last, false},
                      twin{"conflict_first_wins", fault_twin::conflict_first_wins, false},
                      twin{"tombstone_overreach", fault_twin::tombstone_overreach, false},
                      twin{"snapshot_drops_series", fault_twin::snapshot_drops_series, false},
                      twin{"cursor_before_delivery", fault_twin::cursor_before_delivery, false,
                           true},
                      twin{"offset_before_storage", fault_twin::offset_before_storage, false, true},
                      twin{"session_from_the_end", fault_twin::session_from_the_end, false, true}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace troupe::simulation

#endif
