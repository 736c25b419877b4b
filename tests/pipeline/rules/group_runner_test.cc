#include "pipeline/rules/group_runner.h"

#include "storage/base/random.h"
#include "storage/model/tenant.h"
#include "tests/pipeline/rules/rules_fixture.h"

#include <map>

namespace troupe::rules {
namespace {

constexpr timestamp_ms epoch = 1'700'000'010'000;
const std::string rule_text =
    "  - {record: sum, expr: 'sum by (g) (m)'}\n"
    "  - {record: ten, expr: 'sum * 10'}\n"
    "  - {record: change, expr: 'max_over_time(sum[2m]) - sum'}\n"
    "  - {alert: high, expr: 'sum > 20', for: 45s, keep_firing_for: 30s, labels: {s: page}}\n";

/// Batches with what becomes of them: a store that can lose what was not answered.
class group_runner_test : public rules_fixture {
 protected:
  runner_environment env;
  group_definition_ptr group = define(rule_text, {}, 15 * second);
  std::vector<outgoing_alert> sent;

  group_runner_test() {
    env.data = &store;
    env.queries = &door;
    env.clk = &clk;
    env.alerts = &settings;
  }

  /// Input of [from, to): a pure function of time.
  void feed(timestamp_ms from, timestamp_ms to) {
    for (timestamp_ms t = from; t < to; t += 5 * second)
      for (int i = 0; i < 4; ++i) {
        seeded_random r(static_cast<uint64_t>(t / (60 * second)) * 4 + static_cast<uint64_t>(i));
        const auto series = labels::from(
            {{"__name__", "m"}, {"g", std::to_string(i / 2)}, {"i", std::to_string(i)}});
        // Series come and go.
        store.append(series, t, r.below(5) == 0 ? stale_nan() : static_cast<double>(r.below(20)));
      }
  }
  /// Evaluates all that is due; after `stages` batch lists nothing is stored any more.
  bool turn(group_runner& r, timestamp_ms now, timestamp_ms complete, int lists = 1 << 30) {
    while (r.begin(now, complete)) {
      while (true) {
        const auto batches = r.next_stage();
        for (auto& a : r.take_alerts())
          sent.push_back(std::move(a));
        if (batches.empty())
          break;
        if (lists-- == 0)
          return false;
        for (const auto& b : batches)
          put(*b);
        r.stored(std::vector<group_runner::outcome>(batches.size()));
      }
    }
    return true;
  }
  std::unique_ptr<group_runner> started(timestamp_ms now) {
    auto r = std::make_unique<group_runner>(group, env);
    EXPECT_TRUE(r->open(now).ok());
    return r;
  }
  std::string recorded() {
    return stored("{__name__=~\"sum|ten|change|ALERTS|ALERTS_FOR_STATE\"}");
  }
  std::string uninterrupted(timestamp_ms from, timestamp_ms to) {
    feed(from, to);
    auto r = started(from);
    for (timestamp_ms now = from; now < to; now += second)
      turn(*r, now, now);
    auto out = recorded();
    store.clear();
    return out;
  }
};

TEST_F(group_runner_test, a_new_group_waits_for_its_first_instant) {
  feed(epoch, epoch + 60 * second);
  auto r = started(epoch);
  turn(*r, epoch, epoch);
  EXPECT_EQ(r->instants(), 0u);
  turn(*r, epoch + 15 * second, epoch + 15 * second);
  EXPECT_EQ(r->instants(), 1u);
  EXPECT_EQ(r->last_instant() % (15 * second), group_offset("r.yml", "g", 15 * second));
}

TEST_F(group_runner_test, a_restarted_group_equals_one_that_was_never_stopped) {
  constexpr timestamp_ms end = epoch + 30 * minute;
  const auto expected = uninterrupted(epoch, end);
  ASSERT_NE(expected.find("ALERTS"), std::string::npos);
  ASSERT_NE(expected.find("stale"), std::string::npos);
  seeded_random random(7);
  for (int round = 0; round < 12; ++round) {
    store.clear();
    feed(epoch, end);
    auto r = started(epoch);
    for (timestamp_ms now = epoch; now < end; now += second) {
      // Killed anywhere in an evaluation, away for up to five minutes.
      if (now > epoch + minute && random.below(120) == 0) {
        turn(*r, now, now, static_cast<int>(random.below(5)));
        now += static_cast<timestamp_ms>(random.below(300)) * second;
        if (now >= end - minute)
          now = end - minute;
        r = started(now);
      }
      turn(*r, now, now);
    }
    EXPECT_EQ(recorded(), expected) << round;
  }
}

TEST_F(group_runner_test, a_backlog_that_arrives_late_gives_the_same_series) {
  constexpr timestamp_ms end = epoch + 20 * minute;
  group = define("  - {record: sum, expr: 'sum by (g) (m)'}\n  - {record: ten, expr: 'sum * 10'}\n",
                 {}, 15 * second);
  const auto expected = uninterrupted(epoch, end);
  feed(epoch, epoch + 5 * minute);
  auto r = started(epoch);
  for (timestamp_ms now = epoch; now < epoch + 5 * minute; now += second)
    turn(*r, now, now);
  // Ten minutes of outage; then fresh data at once, and the backlog minute by minute.
  const timestamp_ms back = epoch + 15 * minute;
  r = started(back);
  timestamp_ms filled = epoch + 5 * minute;
  for (timestamp_ms now = back; now < end; now += second) {
    if (now % (5 * second) == 0) {
      feed(now, now + second);
      if (filled < back) {
        feed(filled, filled + 30 * second);
        filled += 30 * second;
      }
    }
    turn(*r, now, filled < back ? filled - 5 * second : now);
  }
  EXPECT_GT(r->caught_up(), 30u);
  EXPECT_EQ(r->schedule()->backlog(), 0u);
  EXPECT_EQ(recorded(), expected);
}

TEST_F(group_runner_test, alerts_of_the_past_are_not_sent) {
  group = define("  - {alert: up, expr: 'm > 0'}\n", {}, 15 * second);
  const auto series = labels::from({{"__name__", "m"}});
  store.append(series, epoch, 0.0);
  auto r = started(epoch);
  for (timestamp_ms now = epoch; now < epoch + 60 * second; now += second)
    turn(*r, now, now);
  EXPECT_TRUE(sent.empty());
  // Fires and ends while the node is down.
  store.append(series, epoch + 100 * second, 1.0);
  store.append(series, epoch + 200 * second, 0.0);
  r = started(epoch + 300 * second);
  turn(*r, epoch + 300 * second, epoch + 300 * second);
  EXPECT_TRUE(sent.empty());
  EXPECT_NE(stored("ALERTS").find("1@"), std::string::npos);
  // Still fires when it is back: that is the present.
  store.append(series, epoch + 330 * second, 1.0);
  r = started(epoch + 500 * second);
  turn(*r, epoch + 500 * second, epoch + 500 * second);
  ASSERT_FALSE(sent.empty());
  EXPECT_LT(sent[0].starts_at, epoch + 350 * second);
}

TEST_F(group_runner_test, an_instant_that_could_not_be_stored_is_not_done) {
  feed(epoch, epoch + 60 * second);
  auto r = started(epoch);
  ASSERT_TRUE(r->begin(epoch + 15 * second, epoch + 15 * second));
  EXPECT_FALSE(r->begin(epoch + 15 * second, epoch + 15 * second)) << "one at a time";
  auto batches = r->next_stage();
  r->stored({batches.size(), {status(errc::no_space, "full"), 0}});
  while (!(batches = r->next_stage()).empty()) {
    for (const auto& b : batches)
      EXPECT_NE(b->tenant, rules_tenant);
    r->stored(std::vector<group_runner::outcome>(batches.size()));
  }
  EXPECT_FALSE(r->busy());
  EXPECT_EQ(r->group().status_of(0).last_error, "full");
}

TEST_F(group_runner_test, a_reload_goes_on_in_memory) {
  constexpr timestamp_ms end = epoch + 10 * minute;
  const auto expected = uninterrupted(epoch, end);
  feed(epoch, end);
  auto r = started(epoch);
  for (timestamp_ms now = epoch; now < end; now += second) {
    if (now % (47 * second) == 0) {
      auto next = std::make_unique<group_runner>(define(rule_text, {}, 15 * second), env);
      next->replace(std::move(*r), now);
      r = std::move(next);
      ASSERT_NE(r->schedule(), nullptr);
    }
    turn(*r, now, now);
  }
  EXPECT_EQ(recorded(), expected);
}

TEST_F(group_runner_test, a_group_that_is_taken_away_ends_its_series) {
  feed(epoch, epoch + 60 * second);
  auto r = started(epoch);
  turn(*r, epoch + 15 * second, epoch + 15 * second);
  put(*r->end_series(epoch + 20 * second));
  EXPECT_NE(stored("ten").find("stale@"), std::string::npos);
}

}  // namespace
}  // namespace troupe::rules
