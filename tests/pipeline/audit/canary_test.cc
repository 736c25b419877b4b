#include "pipeline/audit/canary.h"

#include "query/engine/engine.h"
#include "storage/model/slot.h"
#include "storage/model/tenant.h"
#include "tests/support/memory_queryable.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

namespace troupe::audit {
namespace {

constexpr int64_t step = 15'000;
constexpr timestamp_ms start = 1'700'000'010'000;  // on the grid
constexpr int64_t for_ever = INT64_MAX;

/// A canary with a store that can lose, change and double.
class canary_test : public ::testing::Test {
 protected:
  canary_test() { restart(); }

  void restart(uint32_t shards = 2) {
    metrics_ = std::make_unique<registry>();
    canary_ = std::make_unique<canary>(canary_options{shards, step}, *metrics_);
  }
  /// Writes the tick of `now`; only what is stored and acknowledged may be expected.
  void tick(timestamp_ms now, bool stored = true, bool acknowledged = true) {
    const auto batch = canary_->due(now);
    ASSERT_TRUE(batch);
    if (stored)
      for (const auto& f : batch->floats)
        store_.append(batch->table->series[f.series], f.ts, f.value);
    if (acknowledged)
      canary_->acknowledged(*batch);
    lanes_ = batch->table->series;
  }
  /// Ticks of [from, from + n steps).
  void ticks(timestamp_ms from, int n) {
    for (int i = 0; i < n; ++i)
      tick(from + i * step);
  }
  /// Stores everything again without the samples of `lane` that `drop` names.
  void rewrite(size_t lane,
               const std::function<std::optional<double>(timestamp_ms, double)>& change) {
    auto q = *store_.open("", min_time, max_time);
    auto set = *q->select({}, {});
    std::vector<std::pair<labels, storage::sample_columns>> all;
    while (set->next()) {
      all.emplace_back(set->series(), storage::sample_columns());
      ASSERT_TRUE(set->read(min_time, max_time, all.back().second).ok());
    }
    store_.clear();
    for (const auto& [series, samples] : all)
      for (size_t i = 0; i < samples.ts.size(); ++i) {
        std::optional<double> v = samples.values[i];
        if (series == lanes_[lane])
          v = change(samples.ts[i], *v);
        if (v)
          store_.append(series, samples.ts[i], *v);
      }
  }
  void lose(size_t lane, timestamp_ms at) {
    rewrite(lane,
            [at](timestamp_ms ts, double v) { return ts == at ? std::nullopt : std::optional(v); });
  }
  size_t read(timestamp_ms now, int64_t reach = for_ever) {
    const auto reads = canary_->reads(now, reach);
    for (const auto& r : reads) {
      const auto got = engine_.instant(store_, audit_tenant, r.expression, r.at);
      EXPECT_TRUE(got.ok()) << r.expression;
      canary_->check(r, std::get<query::matrix_value>(got->value));
    }
    return reads.size();
  }
  double value(std::string_view name) { return metrics_->get_counter(name, "").value(); }
  double missing() { return value("troupe_audit_missing_total"); }
  double doubled() { return value("troupe_audit_doubled_total"); }
  double wrong() { return value("troupe_audit_wrong_total"); }
  double checked() { return value("troupe_audit_checked_total"); }

  manual_clock clk_;
  query::engine engine_{query::engine_options(), clk_};
  memory_queryable store_;
  std::unique_ptr<registry> metrics_;
  std::unique_ptr<canary> canary_;
  std::vector<labels> lanes_;
};

TEST_F(canary_test, every_shard_has_a_lane_and_every_tick_one_batch) {
  for (uint32_t shards : {1u, 2u, 7u, 256u}) {
    restart(shards);
    const auto batch = canary_->due(start + 7);
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->tenant, audit_tenant);
    std::set<uint32_t> hit;
    for (size_t i = 0; i < batch->table->series.size(); ++i) {
      EXPECT_EQ(batch->table->slot(i), slot_of(audit_tenant, batch->table->series[i]));
      hit.insert(batch->table->slot(i) % shards);
    }
    EXPECT_EQ(hit.size(), shards);
    EXPECT_EQ(batch->floats[0].ts, start);
    EXPECT_EQ(batch->floats[0].value, static_cast<double>(start)) << "a pure function of time";
    EXPECT_FALSE(canary_->due(start + step - 1));
    EXPECT_TRUE(canary_->due(start + step));
  }
  EXPECT_EQ(canary_->until_next(start), step);
  EXPECT_EQ(canary_->until_next(start + step - 1), 1);
}

TEST_F(canary_test, all_is_well) {
  for (int i = 0; i < 40; ++i) {
    tick(start + i * step);
    read(start + i * step + 5);
  }
  EXPECT_EQ(missing() + doubled() + wrong(), 0);
  EXPECT_GT(checked(), 40 * 16);
}

TEST_F(canary_test, a_lost_sample_counts_once_for_each_lane) {
  ticks(start, 10);
  lose(0, start + 4 * step);
  for (int i = 0; i < 3; ++i)
    read(start + 9 * step);
  EXPECT_EQ(missing(), 1);
  lose(2, start + 4 * step);
  read(start + 9 * step);
  EXPECT_EQ(missing(), 2);
  EXPECT_EQ(wrong() + doubled(), 0);
}

TEST_F(canary_test, a_lost_series_shows_with_nothing_else_stored) {
  ticks(start, 3);
  store_.clear();
  read(start + 2 * step);
  EXPECT_EQ(missing(), 3 * 2);
}

TEST_F(canary_test, what_was_never_acknowledged_is_not_expected) {
  tick(start);
  tick(start + step, false, false);     // refused
  tick(start + 2 * step, true, false);  // unknown: there, though nobody heard of it
  tick(start + 10 * step);              // the node was down before
  read(start + 10 * step);
  EXPECT_EQ(missing() + doubled() + wrong(), 0);
  EXPECT_EQ(checked(), 2 * 2);
}

TEST_F(canary_test, the_ledger_keeps_expectations_over_a_restart) {
  ticks(start, 10);
  tick(start + 10 * step, false, false);
  tick(start + 11 * step);
  restart();
  read(start + 12 * step);
  EXPECT_EQ(missing(), 0);
  EXPECT_EQ(checked(), 10 * 2) << "the last one's acknowledgement is known to nobody";
  lose(0, start + 3 * step);
  read(start + 12 * step);
  EXPECT_EQ(missing(), 1);
}

TEST_F(canary_test, a_loss_of_ledger_and_canary_together_shows_by_later_ledgers) {
  ticks(start, 14);
  for (int i = 3; i < 8; ++i) {
    lose(0, start + i * step);
    lose(1, start + i * step);
  }
  restart();
  read(start + 13 * step);
  EXPECT_EQ(missing(), 5);
}

TEST_F(canary_test, lanes_of_another_shard_count_are_judged_by_their_ledger) {
  ticks(start, 10);
  restart(5);
  lose(2, start + 4 * step);
  ticks(start + 10 * step, 2);
  read(start + 12 * step);
  EXPECT_EQ(missing(), 1);
}

TEST_F(canary_test, wrong_values_and_strange_ledgers_show) {
  ticks(start, 10);
  rewrite(0, [](timestamp_ms ts, double v) { return ts == start + 2 * step ? v + step : v; });
  read(start + 9 * step);
  read(start + 9 * step);
  EXPECT_EQ(wrong(), 1);
  for (const double bad : {-1.0, 0.5, 1e300, std::numeric_limits<double>::quiet_NaN()})
    rewrite(1, [bad](timestamp_ms, double) { return bad; });
  read(start + 9 * step);
  EXPECT_EQ(wrong(), 1 + 10);
  EXPECT_EQ(missing(), 0);
}

TEST_F(canary_test, a_sample_that_comes_twice_shows) {
  ticks(start, 3);
  query::matrix_value got;
  got.push_back(
      {lanes_[0],
       {{start, static_cast<double>(start)}, {start + step, static_cast<double>(start + step)}},
       {}});
  got.push_back({lanes_[0], {{start + step, static_cast<double>(start + step)}}, {}});
  const auto reads = canary_->reads(start + step, for_ever);
  canary_->check(reads[0], got);
  canary_->check(reads[0], got);
  EXPECT_EQ(doubled(), 1);
}

TEST_F(canary_test, older_ages_are_read_in_turn_as_far_as_samples_are_kept) {
  constexpr int64_t hour = 3'600'000;
  ticks(start, 20);
  lose(0, start + 9 * step);
  // Seen by the age of an hour only, one read in five.
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(read(start + hour + 10 * step), 2u);
  EXPECT_EQ(missing(), 1);
  size_t reads = 0;
  for (int i = 0; i < 5; ++i)
    reads += read(start + 7 * hour, 7 * hour);
  EXPECT_EQ(reads, 5u + 2u);
  EXPECT_EQ(read(start + hour, 1000), 0u) << "hardly anything is kept";
}

TEST_F(canary_test, what_retention_took_is_forgotten) {
  ticks(start, 100);
  store_.clear();
  constexpr int64_t hour = 3'600'000;
  read(start + 3 * hour, hour / 2);
  for (int i = 0; i < 5; ++i)
    read(start + hour + 20 * step);
  EXPECT_EQ(missing(), 0);
}

TEST_F(canary_test, a_clock_that_steps_back_repeats_itself_harmlessly) {
  ticks(start, 10);
  ticks(start + 3 * step, 10);
  read(start + 12 * step);
  EXPECT_EQ(missing() + doubled() + wrong(), 0);
  EXPECT_EQ(checked(), 13 * 2);
}

}  // namespace
}  // namespace troupe::audit
