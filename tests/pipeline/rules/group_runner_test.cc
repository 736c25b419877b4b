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

// Two regions whose series are taken over, and a sender.
class incomplete_test : public group_runner_test {
 protected:
  ingest::input_marks marks;
  ingest::watermarks boards;

  incomplete_test() {
    env.inputs = {&marks, &boards};
    boards.set_sources("consume",
                       {{"east", labels::from({{"region", "east"}})},
                        {"west", labels::from({{"region", "west"}})}},
                       epoch - 600 * second);
    group = define(
        "  - {record: local, expr: 'sum(m{region=\"west\"})'}\n"
        "  - {alert: high, expr: 'm > 0'}\n"
        "  - {alert: own, expr: 'm{region=\"west\"} > 0', annotations: {incomplete: mine}}\n",
        {}, 15 * second);
    store.append(labels::from({{"__name__", "m"}, {"region", "west"}}), epoch, 1.0);
  }
  void note(const std::string& region, timestamp_ms until, timestamp_ms now) {
    boards.note("consume", region, until);
    marks.note("consume " + region, until, now);
  }
  /// The clock of the groups is as far as all senders are.
  void run(group_runner& r, timestamp_ms from, timestamp_ms to) {
    for (timestamp_ms now = from; now < to; now += second)
      turn(r, now, std::min(now, marks.complete_until(now)));
  }
};

TEST_F(incomplete_test, who_is_complete_leaves_no_mark) {
  auto r = started(epoch);
  for (timestamp_ms now = epoch; now < epoch + 60 * second; now += second) {
    note("east", now, now);
    note("west", now, now);
    turn(*r, now, marks.complete_until(now));
  }
  EXPECT_GE(r->instants(), 3u);
  EXPECT_EQ(r->incomplete().count, 0u);
  EXPECT_FALSE(r->was_incomplete());
  ASSERT_FALSE(sent.empty());
  EXPECT_FALSE(sent[0].annotations.contains("incomplete"));
}

TEST_F(incomplete_test, when_the_wait_ran_out_it_is_told_who_was_behind) {
  note("east", epoch, epoch);
  note("west", epoch + 60 * second, epoch);
  auto r = started(epoch);
  run(*r, epoch, epoch + 40 * second);
  const uint64_t instants = r->instants();
  ASSERT_GE(instants, 1u);
  EXPECT_EQ(r->incomplete().count, instants);
  EXPECT_EQ(r->incomplete().last_instant, r->last_instant());
  EXPECT_EQ(r->incomplete().sources, (std::vector<missing_source>{{"consume \"east\"", epoch}}));
  ASSERT_FALSE(sent.empty());
  for (const auto& a : sent)
    EXPECT_TRUE(a.lset.get("alertname") == "own" || !a.annotations.contains("incomplete"))
        << "it is a matter of seconds";
  // What comes later is complete again.
  const timestamp_ms later = epoch + 100 * second;
  note("east", later, epoch + 40 * second);
  note("west", later, epoch + 40 * second);
  run(*r, epoch + 41 * second, epoch + 80 * second);
  EXPECT_GT(r->instants(), instants);
  EXPECT_EQ(r->incomplete().count, instants);
  EXPECT_FALSE(r->was_incomplete());
}

// Nobody waits for the silent, but their data are missing all the same.
TEST_F(incomplete_test, a_region_that_is_away_for_long_is_told_though_nobody_waits_for_it) {
  note("east", epoch, epoch);
  store.append(labels::from({{"__name__", "m"}, {"region", "west"}}), epoch + 295 * second, 1.0);
  auto r = started(epoch + 300 * second);
  for (timestamp_ms now = epoch + 300 * second; now < epoch + 330 * second; now += second) {
    note("west", now, now);
    turn(*r, now, marks.complete_until(now));
  }
  ASSERT_GE(r->instants(), 1u);
  EXPECT_EQ(r->incomplete().count, r->instants());
  EXPECT_EQ(r->incomplete().sources.at(0).name, "consume \"east\"");
  ASSERT_FALSE(sent.empty());
  for (const auto& a : sent) {
    const std::string note = a.annotations.at("incomplete");
    if (a.lset.get("alertname") == "own")
      EXPECT_EQ(note, "mine") << "a rule's own annotation stays";
    else
      EXPECT_TRUE(note.starts_with("consume \"east\" is 5m")) << note;
  }
}

TEST_F(incomplete_test, a_region_of_which_nothing_is_known_is_missing_soon_after_a_start) {
  boards.set_sources("consume", {{"north", labels()}}, epoch);
  auto r = started(epoch);
  for (timestamp_ms now = epoch; now < epoch + 120 * second; now += second)
    turn(*r, now, now);
  ASSERT_GE(r->instants(), 7u);
  EXPECT_GE(r->incomplete().count, r->instants() - 1);
  EXPECT_EQ(describe(r->incomplete().sources, epoch), "consume \"north\" has brought nothing yet");
  ASSERT_GE(sent.size(), 2u);
  EXPECT_FALSE(sent.front().annotations.contains("incomplete"));
  EXPECT_EQ(sent.back().annotations.contains("incomplete"), true) << "after a minute";
}

TEST_F(incomplete_test, who_cannot_matter_to_a_group_leaves_no_mark) {
  group = define("  - {record: local, expr: 'sum(m{region=\"west\"})'}\n", {}, 15 * second);
  note("east", epoch, epoch);
  note("west", epoch + 600 * second, epoch);
  auto r = started(epoch);
  run(*r, epoch, epoch + 60 * second);
  ASSERT_GE(r->instants(), 2u);
  EXPECT_EQ(r->incomplete().count, 0u);
}

TEST_F(incomplete_test, senders_are_told_but_not_with_alerts) {
  boards.set_sources("consume", {}, epoch);
  marks.note("10.0.0.7", epoch + 2 * second, epoch);
  auto r = started(epoch);
  run(*r, epoch, epoch + 40 * second);
  ASSERT_GE(r->instants(), 1u);
  EXPECT_EQ(r->incomplete().count, r->instants());
  EXPECT_EQ(describe(r->incomplete().sources, epoch + 14 * second),
            "sender 10.0.0.7 is 12s behind");
  ASSERT_FALSE(sent.empty());
  for (const auto& a : sent)
    EXPECT_TRUE(a.lset.get("alertname") == "own" || !a.annotations.contains("incomplete"));
}

TEST_F(incomplete_test, after_a_start_senders_may_not_be_back) {
  boards.set_sources("consume", {}, epoch);
  auto r = started(epoch);
  for (timestamp_ms now = epoch; now < epoch + 40 * second; now += second)
    turn(*r, now, min_time);
  ASSERT_GE(r->instants(), 1u);
  EXPECT_EQ(describe(r->incomplete().sources, epoch), "senders after the start may not be back");
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
