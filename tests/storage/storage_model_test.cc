// Random histories of a node against the simplest model, with crashes: what was acked is there,
// what was not is there or not, nothing else ever is.
#include "storage/base/fault_twin.h"
#include "tests/storage/node_fixture.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <set>

namespace troupe::storage {
namespace {

class history {
 public:
  explicit history(uint64_t seed) : random_(seed), node_(seed * 7919) {
    node_.opts.shards = 1 + static_cast<uint32_t>(random_.below(3));
    node_.opts.min_block_ms = 20'000 + static_cast<int64_t>(random_.below(3)) * 30'000;
    node_.opts.max_block_ms = node_.opts.min_block_ms * 9;
    node_.opts.wal_segment_bytes = 2048u << random_.below(4);
    node_.opts.wal_compression = random_.below(2) == 0;
    // Snapshots of the head: none, now and then, with every piece of maintenance.
    node_.opts.snapshot_interval_ms = std::array<int64_t, 3>{0, 40'000, 1}[random_.below(3)];
    node_.start();
  }

  /// Until `failed` says so.
  void run(int steps, const std::function<bool()>& failed = testing::Test::HasFailure) {
    for (int i = 0; i < steps && !failed(); ++i)
      step();
    if (!failed())
      restart(true);
  }
  uint64_t restarts() const { return restarts_; }

 private:
  void step() {
    const uint64_t what = random_.below(100);
    if (what < 55)
      append();
    else if (what < 75)
      commit();
    else if (what < 86)
      ASSERT_TRUE(node_.maintain(1 + static_cast<int>(random_.below(4))).ok());
    else if (what < 87)
      ASSERT_TRUE(node_.maintain().ok());
    else if (what < 88)
      hold();
    else if (what < 91)
      erase();
    else if (what < 92)
      ASSERT_TRUE(node_.store->clean_tombstones().ok());
    else if (what < 96)
      check();
    else if (what < 97)
      restart(false);
    else if (what < 98)
      node_.hold_memory(random_.below(2) * 85);  // short: cuts come early
    else if (what < 99 && random_.below(2) == 0)
      node_.store->flush();
    else
      node_.clk.advance_ms(static_cast<int64_t>(random_.below(20'000)));
  }

  labels pick_series() {
    const auto n = std::to_string(random_.below(8));
    if (random_.below(5) == 0)
      return labels::from({{"__name__", "loose"}, {"n", n}});
    return labels::from({{"__name__", "m"}, {"instance", "i" + n}, {"job", "j"}, {"le", n}});
  }

  timestamp_ms pick_ts() {
    const timestamp_ms now = node_.clk.now_ms() / 1000 * 1000;
    const uint64_t kind = random_.below(10);
    if (kind < 6)
      return now;
    if (kind < 9)
      return now - static_cast<timestamp_ms>(random_.below(30)) * 1000;
    return now - static_cast<timestamp_ms>(random_.below(1000)) * 1000;
  }

  reference_sample pick_value() {
    reference_sample s;
    if (random_.below(12) == 0)
      s.hist = test_histogram(static_cast<double>(random_.below(3)));
    else if (random_.below(10) == 0)
      s.value = random_.below(2) ? stale_nan() : normal_nan();
    else
      s.value = static_cast<double>(random_.below(5));
    return s;
  }

  // Times are unique within a batch and series: what a batch repeats is another test's matter.
  void append() {
    node_.clk.advance_ms(1000);
    std::map<std::string, test_sample> batch;
    for (uint64_t n = 1 + random_.below(12); n > 0; --n) {
      test_sample s{pick_series(), pick_ts(), pick_value()};
      batch.emplace(s.series.to_string() + "@" + std::to_string(s.ts), s);
    }
    test_samples samples;
    for (auto& [key, s] : batch)
      samples.push_back(std::move(s));
    const status s = node_.append(samples);
    ASSERT_TRUE(s.ok()) << s.to_string();
    pending_.insert(pending_.end(), samples.begin(), samples.end());
  }

  void commit() {
    const status s = node_.commit();
    ASSERT_TRUE(s.ok()) << s.to_string();
    accept_pending();
  }
  void accept_pending() {
    for (const auto& s : pending_)
      model_[s.series.to_string()].insert(s.ts, s.value);
    pending_.clear();
  }

  // A query that stays open for a while delays what the head may drop.
  void hold() {
    held_.reset();
    if (random_.below(2))
      held_ = *node_.store->reader().open("", min_time, max_time);
  }

  void erase() {
    commit();
    const timestamp_ms a = pick_ts(), b = pick_ts();
    const auto n = std::to_string(random_.below(8));
    const std::vector<matchers> selectors{{matcher::equal("instance", "i" + n)},
                                          {matcher::equal("n", n)}};
    const status s = node_.store->delete_series("", std::min(a, b), std::max(a, b), selectors);
    ASSERT_TRUE(s.ok()) << s.to_string();
    for (auto& [series, samples] : model_)
      if (series.find("\"i" + n + "\"") != std::string::npos ||
          series.find("n=\"" + n + "\"") != std::string::npos)
        samples.erase(std::min(a, b), std::max(a, b));
  }

  store_content want(timestamp_ms mint, timestamp_ms maxt) const {
    store_content out;
    for (const auto& [series, samples] : model_)
      if (auto part = samples.range(mint, maxt); !part.empty())
        out.emplace(series, std::move(part));
    return out;
  }

  void check() {
    commit();
    const timestamp_ms a = pick_ts(), b = pick_ts();
    const timestamp_ms lo = std::min(a, b), hi = std::max(a, b);
    ASSERT_EQ(difference(node_.read(lo, hi), want(lo, hi)), "");
    ASSERT_EQ(difference(node_.read(), want(min_time, max_time)), "");
  }

  // After a crash a sample that was appended but not acked may be there; it then takes part in the
  // order of conflicts as any other.
  void restart(bool clean) {
    ++restarts_;
    held_.reset();
    if (clean) {
      node_.stop();
      accept_pending();
    } else {
      random_.below(2) ? node_.crash() : node_.kill();
    }
    if (random_.below(2))
      node_.opts.shards = 1 + static_cast<uint32_t>(random_.below(4));
    ASSERT_TRUE(node_.open().ok());
    const size_t crashed_with = pending_.size();
    if (random_.below(2))
      append();  // while the replay runs
    node_.replay();
    if (pending_.size() > crashed_with) {
      ASSERT_TRUE(node_.commit().ok());
      for (size_t i = crashed_with; i < pending_.size(); ++i)
        model_[pending_[i].series.to_string()].insert(pending_[i].ts, pending_[i].value);
    }
    const store_content got = node_.read();
    std::set<std::pair<std::string, timestamp_ms>> unsure;
    for (const auto& s : pending_)
      unsure.emplace(s.series.to_string(), s.ts);
    store_content sure_got = got, sure_want = want(min_time, max_time);
    for (const auto& [series, ts] : unsure) {
      check_unsure(series, ts, got);
      for (auto* side : {&sure_got, &sure_want})
        if (const auto at = side->find(series); at != side->end()) {
          at->second.erase(ts);
          if (at->second.empty())
            side->erase(at);
        }
    }
    ASSERT_EQ(difference(sure_got, sure_want), "");
    pending_.clear();
    model_.clear();
    for (const auto& [series, samples] : got)
      for (const auto& [ts, s] : samples)
        model_[series].insert(ts, s);
  }

  // One of the values that any subset of the unacked samples may lead to.
  void check_unsure(const std::string& series, timestamp_ms ts, const store_content& got) {
    std::vector<reference_sample> offers;
    for (const auto& s : pending_)
      if (s.ts == ts && s.series.to_string() == series)
        offers.push_back(s.value);
    const auto old = model_[series].range(ts, ts);
    const auto at = got.find(series);
    const auto found =
        at == got.end() ? store_content::mapped_type::const_iterator() : at->second.find(ts);
    if (at == got.end() || found == at->second.end()) {
      ASSERT_TRUE(old.empty()) << "an acked sample is lost";
      return;
    }
    bool possible = !old.empty() && old.begin()->second == found->second;
    for (const auto& o : offers)
      possible = possible || (o == found->second && (old.empty() || old.begin()->second.loses(o) ||
                                                     old.begin()->second.same_value(o)));
    ASSERT_TRUE(possible) << series << " " << ts;
  }

  seeded_random random_;
  test_node node_;
  std::map<std::string, reference_series> model_;
  test_samples pending_;
  std::unique_ptr<querier> held_;
  uint64_t restarts_ = 0;
};

TEST(storage_model, random_histories) {
  uint64_t restarts = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    history h(seed);
    h.run(400);
    restarts += h.restarts();
    if (HasFailure())
      return;
  }
  EXPECT_GT(restarts, 60u);
}

TEST(storage_model, same_seed_same_files) {
  const auto run = [](uint64_t seed) {
    test_node node(seed);
    node.start();
    seeded_random random(seed);
    for (int i = 0; i < 100; ++i) {
      const auto n = std::to_string(random.below(5));
      node.write({make_sample(labels::from({{"__name__", "m"}, {"n", n}}), node.clk.now_ms(), 1)});
      node.clk.advance_ms(3000);
      EXPECT_TRUE(node.maintain(2).ok());
    }
    node.stop();
    std::map<std::string, std::string> files;
    for (const auto& f : node.fs.files())
      files[f] = node.fs.content(f);
    return files;
  };
  EXPECT_EQ(run(5), run(5));
}

#ifdef TROUPE_FAULT_TWINS
// A history must notice each planted bug of the engine (ack_early lies outside of it).
TEST(storage_model, every_planted_bug_is_caught) {
  for (const auto twin :
       {fault_twin::skip_fsync, fault_twin::apply_twice, fault_twin::drop_tail,
        fault_twin::lose_dictionary, fault_twin::segment_cut_off_by_one,
        fault_twin::ignore_staleness, fault_twin::swap_values, fault_twin::skip_key_frame,
        fault_twin::compact_drops_last, fault_twin::conflict_first_wins,
        fault_twin::tombstone_overreach, fault_twin::snapshot_drops_series}) {
    testing::TestPartResultArray failures;
    active_fault_twin = twin;
    for (uint64_t seed = 1; seed <= 20 && failures.size() == 0; ++seed) {
      const testing::ScopedFakeTestPartResultReporter reporter(
          testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &failures);
      history h(seed);
      h.run(400, [&] { return failures.size() > 0; });
    }
    active_fault_twin = fault_twin::none;
    EXPECT_GT(failures.size(), 0) << "twin " << static_cast<int>(twin);
  }
}
#endif

}  // namespace
}  // namespace troupe::storage
