#include "pipeline/bench/fleet.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace troupe::bench {
namespace {

fleet make(fleet_options o, size_t width = 10) {
  return {*make_synthetic_profile("busy", width), o};
}

TEST(Fleet, CutsTheLastHostToTheSeriesAskedFor) {
  auto f = make({.series = 25, .rows = 3});
  EXPECT_EQ(f.slots(), 3u);
  EXPECT_EQ(f.width(0), 10u);
  EXPECT_EQ(f.width(2), 5u);
  EXPECT_EQ(f.next_row().size(), 25u);
}

TEST(Fleet, RowsAreThoseOfTheHostsSources) {
  fleet_options o{.seed = 3, .series = 20, .rows = 30, .churn = 5};
  auto f = make(o);
  std::map<uint64_t, std::unique_ptr<value_source>> sources;
  std::vector<double> whole(10);
  for (uint64_t row = 0; row < o.rows; ++row) {
    const auto got = f.next_row();
    for (size_t slot = 0; slot < 2; ++slot) {
      const auto host = f.host_at(slot, row);
      auto& s = sources[host];
      if (!s)
        s = f.shape().source(o.seed, host);
      s->next(whole);
      EXPECT_EQ(std::vector<double>(got.begin() + static_cast<ptrdiff_t>(slot * 10),
                                    got.begin() + static_cast<ptrdiff_t>(slot * 10 + 10)),
                whole);
    }
  }
}

TEST(Fleet, ChurnBringsAsManyNewSeriesAsAskedForAndNeverAnOldHost) {
  fleet_options o{.series = 70, .rows = 200, .churn = 3.5};
  auto f = make(o);
  std::set<uint64_t> all;
  for (size_t slot = 0; slot < f.slots(); ++slot) {
    uint64_t row = 0;
    while (row < o.rows) {
      const auto [begin, end] = f.life(slot, row);
      ASSERT_EQ(begin, row);
      ASSERT_GT(end, begin);
      for (uint64_t r = begin; r < end; ++r)
        ASSERT_EQ(f.host_at(slot, r), f.host_at(slot, begin));
      ASSERT_TRUE(all.insert(f.host_at(slot, begin)).second) << "a host came back";
      row = end;
    }
  }
  // 7 at the start, then 0.35 a row.
  EXPECT_EQ(all.size(), 7 + static_cast<size_t>(199 * 0.35));
}

TEST(Fleet, WithoutChurnEveryHostLivesForEver) {
  auto f = make({.series = 30, .rows = 1000});
  EXPECT_EQ(f.life(2, 500), std::pair(uint64_t{0}, uint64_t{1000}));
  EXPECT_EQ(f.host_at(2, 999), 2u);
}

TEST(Fleet, HostsKeepTheirPhase) {
  auto f = make({.seed = 9, .series = 1000, .rows = 10, .step_ms = 15'000, .start = 1'000'000});
  std::set<timestamp_ms> phases;
  for (uint64_t host = 0; host < 100; ++host) {
    const auto first = f.time_of(host, 0);
    EXPECT_GE(first, 1'000'000);
    EXPECT_LT(first, 1'015'000);
    EXPECT_EQ(f.time_of(host, 7), first + 7 * 15'000);
    phases.insert(first);
  }
  EXPECT_GT(phases.size(), 90u);
}

TEST(Fleet, LabelsNameProfileSeedAndHost) {
  auto f = make({.seed = 4, .series = 10});
  const auto l = f.series_labels(42, 0);
  EXPECT_EQ(l.get("job"), "bench");
  EXPECT_EQ(l.get("instance"), "busy-4-000042");
  EXPECT_EQ(l.metric_name(), "bench_requests_total");
}

}  // namespace
}  // namespace troupe::bench
