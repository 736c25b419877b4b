// Two nodes that take over everything from each other, by their logs: what goes round comes to
// rest, and both have what either had.
#include "storage/log_door.h"
#include "tests/storage/node_fixture.h"

namespace troupe::storage {
namespace {

labels named(const std::string& name) {
  return labels::from({{"__name__", name}});
}

// Hands what a node's log holds to another node, as batches of another node.
class carrier final : public wal_sink {
 public:
  carrier(test_node& from, test_node& to) : to_(to) {
    log_door& log = from.store->log();
    for (uint32_t i = 0; i < log.shard_count(); ++i)
      tails_.push_back(std::move(*log.follow(i, {})));
  }

  /// How many entries it handed over.
  size_t carry() {
    carried_ = 0;
    for (auto& t : tails_)
      for (bool done = false; !done;) {
        const auto step = t->step(*this, 1 << 20);
        EXPECT_TRUE(step.ok());
        done = !step.ok() || *step;
      }
    EXPECT_TRUE(to_.commit().ok());
    return carried_;
  }

  status apply(const wal_batch& from) override {
    auto out = std::make_shared<write_batch>();
    std::vector<labels> series;
    for (uint32_t i = 0; i < from.dictionary->size(); ++i)
      series.push_back(from.series(i).lset);
    out->tenant = std::string(from.tenant);
    out->group = from.group;
    out->table = make_series_table(from.tenant, std::move(series));
    out->floats = from.floats;
    out->starts = from.starts;
    out->histograms = from.histograms;
    out->exemplars = from.exemplars;
    out->metadata = from.metadata;
    out->taken_over = true;
    carried_ += out->sample_count() + out->exemplars.size() + out->metadata.size();
    return to_.store->appender(to_.store->shard_of(from.slot)).append(out).error();
  }

 private:
  test_node& to_;
  std::vector<std::unique_ptr<log_tail>> tails_;
  size_t carried_ = 0;
};

class known_samples : public testing::Test {
 protected:
  known_samples() {
    for (test_node* n : {&a, &b}) {
      n->opts.out_of_order_window_ms = 3'600'000;
      n->start();
    }
  }
  // Rounds until nothing goes round any more.
  int rounds() {
    carrier there(a, b), back(b, a);
    for (int i = 1; i <= 20; ++i)
      if (there.carry() + back.carry() == 0)
        return i - 1;
    return 20;
  }
  void expect_equal() { EXPECT_EQ(difference(a.read(), b.read()), ""); }

  test_node a{1}, b{2};
};

TEST_F(known_samples, what_goes_round_comes_to_rest) {
  const timestamp_ms now = a.clk.now_ms();
  test_samples both, here;
  for (int i = 0; i < 200; ++i)
    both.push_back(make_sample(named("m" + std::to_string(i % 7)), now - 200 + i, i));
  for (int i = 0; i < 50; ++i)
    here.push_back({named("h"), now - 100 + i, {0, now - 500, test_histogram(i)}});
  a.write(both);
  b.write(both);
  a.write(here);
  // Late ones, and one moment with two values.
  a.write({make_sample(named("m1"), now - 5000, 1)});
  b.write({make_sample(named("m1"), now - 5000, 2)});
  EXPECT_LE(rounds(), 2);
  expect_equal();
  EXPECT_GT(a.counts().duplicates, 0u);
}

TEST_F(known_samples, exemplars_and_metadata_do_not_go_round_either) {
  const timestamp_ms now = a.clk.now_ms();
  auto batch = make_batch({make_sample(named("m"), now, 1)});
  exemplar e;
  e.lset = labels::from({{"trace", "1"}});
  e.value = 3;
  e.ts = now;
  batch->exemplars.push_back({e, 0});
  batch->metadata.push_back({"m", {metric_type::gauge, "", "text"}});
  ASSERT_TRUE(a.store->appender(a.store->shard_of(batch->table->slot(0))).append(batch).ok());
  ASSERT_TRUE(a.commit().ok());
  EXPECT_LE(rounds(), 2);
  expect_equal();
}

TEST_F(known_samples, a_better_start_time_goes_through_once) {
  const timestamp_ms now = a.clk.now_ms();
  a.write({{named("c"), now, {1, now - 50, nullptr}}});
  b.write({{named("c"), now, {1, now - 20, nullptr}}});
  EXPECT_LE(rounds(), 2);
  expect_equal();
}

// A start may read what a sync has failed to write: that is not on stable storage because it is
// known.
TEST(known_samples_of_a_start, what_only_a_failed_sync_has_written_is_logged_again) {
  int read = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    test_node a(seed);
    a.start();
    const auto sample = make_sample(named("m"), a.clk.now_ms(), 1);
    a.fs.fail_nth(1, errc::io_error, false, support::op_sync);
    ASSERT_FALSE(a.append({sample}).ok() && a.commit().ok());
    a.fs.clear_faults();
    a.kill();
    a.start();
    read += static_cast<int>(a.read().size());
    auto again = make_batch({sample});
    again->taken_over = true;
    const uint32_t shard = a.store->shard_of(again->table->slot(0));
    ASSERT_TRUE(a.store->appender(shard).append(again).ok());
    ASSERT_TRUE(a.commit().ok());
    a.crash();
    a.start();
    EXPECT_EQ(a.read().size(), 1u) << "it was acknowledged";
  }
  EXPECT_GT(read, 0) << "it could be read after the failed sync";
}

}  // namespace
}  // namespace troupe::storage
