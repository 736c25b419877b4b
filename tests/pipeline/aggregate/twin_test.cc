// Random samples in random order against a plain reference; the state as bytes on the way.
#include "pipeline/aggregate/aggregator.h"
#include "storage/base/random.h"
#include "tests/pipeline/aggregate/reference.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace troupe::aggregate {
namespace {

constexpr timestamp_ms start = 1'700'000'000'000;

struct arrival {
  timestamp_ms at;  ///< when it comes
  labels series;
  sample value;
};

class Twin : public testing::TestWithParam<uint64_t> {
 protected:
  uint64_t up_to(uint64_t n) { return random_.next() % n; }

  config::aggregation_config any_rule() {
    config::aggregation_config c;
    c.name = "r";
    c.match = {"m"};
    c.interval_ms = std::vector<int64_t>{10'000, 60'000, 90'000, 300'000}[up_to(4)];
    if (up_to(3) != 0)
      (up_to(2) != 0 ? c.by : c.without) = {"g"};
    if (up_to(2) != 0)
      c.staleness_interval_ms = c.interval_ms * static_cast<int64_t>(1 + up_to(3));
    c.ignore_first_sample_interval_ms = static_cast<int64_t>(up_to(3)) * 60'000;
    c.outputs = {
        "avg",         "count_samples", "count_series", "increase", "increase_prometheus",
        "last",        "max",           "min",          "rate_avg", "quantiles(0, 0.5, 0.9, 1)",
        "rate_sum",    "stddev",        "stdvar",       "total",    "total_prometheus",
        "sum_samples", "unique_samples"};
    return c;
  }

  /// Samples of an hour that come up to `late_ms` late, now and then twice, in gaps and resets.
  std::vector<arrival> any_arrivals(int64_t late_ms) {
    std::vector<arrival> out;
    for (uint64_t i = 0; i < 12; ++i) {
      const auto series =
          labels::from({{"__name__", "m"}, {"g", std::to_string(i % 3)}, {"i", std::to_string(i)}})
              .packed();
      double value = static_cast<double>(up_to(100));
      for (timestamp_ms ts = start + 1 + static_cast<int64_t>(up_to(600'000));
           ts < start + 3'600'000; ts += static_cast<int64_t>(1 + up_to(30'000))) {
        if (up_to(40) == 0)
          ts += static_cast<int64_t>(up_to(900'000));
        value = up_to(30) == 0 ? 0 : value + static_cast<double>(up_to(64)) / 4;
        for (uint64_t n = 1 + (up_to(20) == 0 ? 1 : 0); n > 0; --n)
          out.push_back({ts + static_cast<int64_t>(up_to(static_cast<uint64_t>(late_ms))),
                         series,
                         {ts, value}});
      }
    }
    std::stable_sort(out.begin(), out.end(),
                     [](const auto& a, const auto& b) { return a.at < b.at; });
    return out;
  }

  seeded_random random_{GetParam()};
};

TEST_P(Twin, OutputsAreThoseOfThePlainForm) {
  constexpr int64_t late_ms = 20'000;
  const auto c = any_rule();
  const rule_ptr r = *rule::make(c);
  const timestamp_ms begun = start - static_cast<int64_t>(up_to(100'000));
  auto a = std::make_unique<aggregator>(r, begun);
  series_samples in;
  outputs_by_time got;
  timestamp_ms now = start;
  const auto close_until = [&](timestamp_ms until) {
    while (a->closed() + r->step_ms() <= until)
      if (const auto done = a->close_step())
        for (const auto& o : done->outputs)
          got[{o.series.to_string(), done->end}] = o.value;
  };
  for (const auto& s : any_arrivals(late_ms)) {
    now = s.at;
    close_until(now - late_ms);
    if (up_to(50) == 0) {
      std::string bytes;
      a->encode(bytes);
      auto back = aggregator::decode(r, bytes);
      ASSERT_TRUE(back.ok()) << back.error().message();
      a = std::move(*back);
    }
    a->add(aggregator::no_input, s.series, s.value.ts, s.value.value);
    in[s.series][s.value.ts] = s.value.value;
  }
  close_until(now + c.interval_ms);
  EXPECT_EQ(a->counts().late, 0u);
  const auto expected = reference_outputs(c, in, begun, a->closed());
  ASSERT_FALSE(expected.empty());
  for (const auto& [key, value] : expected) {
    const auto at = got.find(key);
    ASSERT_NE(at, got.end()) << key.first << " " << key.second;
    EXPECT_NEAR(at->second, value, 1e-9 * std::max(1.0, std::abs(value)))
        << key.first << " " << key.second;
  }
  EXPECT_EQ(got.size(), expected.size());
}

TEST_P(Twin, TheOrderOfArrivalDoesNotMatter) {
  const auto c = any_rule();
  const rule_ptr r = *rule::make(c);
  auto samples = any_arrivals(20'000);
  const auto run = [&] {
    aggregator a(r, start);
    for (const auto& s : samples)
      a.add(aggregator::no_input, s.series, s.value.ts, s.value.value);
    outputs_by_time out;
    while (a.closed() < start + 4'000'000)
      if (const auto done = a.close_step())
        for (const auto& o : done->outputs)
          out[{o.series.to_string(), done->end}] = o.value;
    return out;
  };
  const auto first = run();
  for (size_t i = samples.size(); i > 1; --i)
    std::swap(samples[i - 1], samples[up_to(i)]);
  EXPECT_EQ(run(), first);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Twin, testing::Range<uint64_t>(1, 21));

}  // namespace
}  // namespace troupe::aggregate
