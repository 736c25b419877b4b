// After an outage: fresh samples first, what was missed beside them; and the bound on the log.
#include "tests/pipeline/send/send_kit.h"

#include <algorithm>

namespace troupe::send {
namespace {

class Overtake : public SendTest {
 protected:
  /// Ten minutes of samples that nobody takes.
  void outage() {
    for (int i = 0; i < 60; ++i) {
      write(4);
      pass(10'000);
      answer(0);
    }
  }
  /// The probe's own series are nobody's samples.
  std::map<sample_key, double> without_probes() const {
    auto out = got.values;
    std::erase_if(
        out, [](const auto& v) { return v.first.first.starts_with("troupe_remote_write_probe"); });
    return out;
  }
};

TEST_F(Overtake, FreshSamplesGoFirstAndTheMissedOnesFollow) {
  options.backlog_rate = 20;
  start();
  write(1);
  deliver(2000);
  outage();
  deliver(6000);
  EXPECT_EQ(metric("backlogs"), 1);
  const timestamp_ms now = log.clk.now_ms();
  write(2);
  deliver(3000);
  EXPECT_TRUE(std::any_of(got.order.begin(), got.order.end(),
                          [&](const sample_key& k) { return k.second >= now; }));
  EXPECT_LT(without_probes().size(), written.size() / 2) << "at a bounded rate";
  deliver(120'000);
  EXPECT_EQ(without_probes(), written);
  EXPECT_EQ(got.doubled(), 0u);
  EXPECT_EQ(metric("backlogs"), 0);
  EXPECT_EQ(metric("lag_seconds"), 0);
}

TEST_F(Overtake, WithTheDefaultsAFreshSampleIsThereSoonAfterTheReceiver) {
  options.backlog_rate = 20;
  block().queue = {};
  block().queue.max_samples_per_send = 10;
  start();
  write(1);
  deliver(6000);
  outage();
  for (const int64_t phase : {0, 700, 1900, 3300}) {
    pass(phase);
    answer(0);
    pass(5000);
    answer(0);
    const timestamp_ms back = log.clk.now_ms();
    for (int i = 0; i < 4; ++i) {
      write(1);
      deliver(1000);
    }
    EXPECT_TRUE(std::any_of(got.order.begin(), got.order.end(), [&](const sample_key& k) {
      return k.second >= back;
    })) << phase;
    deliver(120'000);
    EXPECT_EQ(metric("backlogs"), 0);
    outage();
  }
  deliver(120'000);
  EXPECT_EQ(without_probes(), written);
  EXPECT_EQ(got.doubled(), 0u);
}

TEST_F(Overtake, ADeathBetweenLosesAndDoublesNothing) {
  options.backlog_rate = 20;
  start();
  outage();
  for (int i = 0; i < 6; ++i) {
    deliver(2000);
    write(2);
    kill();
    start();
  }
  EXPECT_EQ(metric("backlogs"), 1);
  deliver(120'000);
  EXPECT_EQ(without_probes(), written);
  EXPECT_EQ(got.doubled(), 0u);
}

TEST_F(Overtake, AReceiverThatRefusesLateSamplesGetsThemInOrder) {
  start();
  outage();
  pass(6000);
  // The first answer shows that it is back, then the probe is asked.
  for (int i = 0; i < 400 && !wire.empty(); ++i) {
    const bool probe = entries_in(wire[0]) == 1;
    size_t before = 0;
    if (probe) {
      receiver looked;
      looked.take(wire[0]);
      before = looked.order[0].second < log.clk.now_ms() - 60'000;
    }
    answer_one(0, before != 0 ? 400 : 204);
    if (wire.empty())
      pass(1000);
  }
  deliver(5000);
  EXPECT_EQ(metric("backlogs"), 0);
  EXPECT_EQ(without_probes(), written);
  timestamp_ms newest = 0;
  for (const auto& [series, ts] : got.order)
    if (series.starts_with("m0")) {
      EXPECT_GT(ts, newest);
      newest = ts;
    }
}

TEST_F(Overtake, TheBoundOnTheLogDropsTheOldestAndCountsThem) {
  options.fresh_first_lag_ms = 0;
  options.log_limit_bytes = 12'000;
  log.settings.segment_bytes = 3000;
  log.settings.key_frame_interval = 5;
  start();
  for (int i = 0; i < 150; ++i) {
    write(4, "a");
    write(4, "b");
    pass(1000);
    answer(0);
    if (i % 30 == 29)
      condense();
  }
  pass(10'000);
  answer(0);
  pass(10'000);
  EXPECT_LT(metric("lag_bytes"), 20'000);
  deliver(60'000);
  const double dropped = metric("samples_dropped_total", "disk_bound");
  EXPECT_GT(dropped, 100);
  EXPECT_EQ(static_cast<double>(got.values.size()) + dropped, static_cast<double>(written.size()));
  EXPECT_EQ(got.doubled(), 0u);
  // What is there is the newest of each target.
  timestamp_ms oldest = max_time;
  for (const auto& [key, value] : got.values)
    oldest = std::min(oldest, key.second);
  size_t newer = 0;
  for (const auto& [key, value] : written)
    newer += key.second > oldest + 4000;
  EXPECT_LE(newer, got.values.size());
}

}  // namespace
}  // namespace troupe::send
