// Functions over ranges: the sliding forms against the plain definition on random series, and the
// edges of extrapolation, start times and resets.
#include "query/engine/kahan.h"
#include "query/engine/quantile.h"
#include "tests/query/engine/engine_fixture.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <random>

namespace troupe::query {
namespace {

using window = std::vector<double>;

double plain_sum(const window& w) {
  double sum = 0;
  double c = 0;
  for (const double v : w)
    kahan_add(v, sum, c);
  return std::isinf(sum) ? sum : sum + c;
}

double plain_avg(const window& w) {
  running_mean m(w[0]);
  for (size_t i = 1; i < w.size(); ++i)
    m.add(w[i]);
  return m.value();
}

template <bool Max>
double plain_extreme(const window& w) {
  double best = w[0];
  for (const double v : w)
    if (std::isnan(best) || (Max ? v > best : v < best))
      best = v;
  return best;
}

double plain_changes(const window& w) {
  double n = 0;
  for (size_t i = 1; i < w.size(); ++i)
    n += w[i] != w[i - 1] && !(std::isnan(w[i]) && std::isnan(w[i - 1])) ? 1 : 0;
  return n;
}

double plain_resets(const window& w) {
  double n = 0;
  for (size_t i = 1; i < w.size(); ++i)
    n += w[i] < w[i - 1] ? 1 : 0;
  return n;
}

double plain_median(const window& w) {
  window copy = w;
  return quantile(0.5, copy);
}

struct definition {
  const char* expression;
  std::function<double(const window&)> of;
};

const definition definitions[] = {
    {"sum_over_time(m[%])", plain_sum},
    {"avg_over_time(m[%])", plain_avg},
    {"max_over_time(m[%])", plain_extreme<true>},
    {"min_over_time(m[%])", plain_extreme<false>},
    {"changes(m[%])", plain_changes},
    {"resets(m[%])", plain_resets},
    {"quantile_over_time(0.5, m[%])", plain_median},
    {"count_over_time(m[%])", [](const window& w) { return static_cast<double>(w.size()); }},
    {"last_over_time(m[%])", [](const window& w) { return w.back(); }},
    {"first_over_time(m[%])", [](const window& w) { return w.front(); }},
};

class RangeFunctions : public engine_fixture {
 protected:
  using samples = std::vector<std::pair<timestamp_ms, double>>;

  // Gaps, repeats, falls, huge and tiny values, NaN and infinities; or only integers.
  samples random_series(std::mt19937_64& random, bool integers) {
    samples out;
    timestamp_ms ts = 0;
    for (int i = 0; i < 300; ++i) {
      ts += static_cast<timestamp_ms>(random() % 7 == 0 ? 60'000 : 5'000 + random() % 5'000);
      double v = static_cast<double>(random() % 1000);
      if (!integers) {
        v += static_cast<double>(random() % 1'000'000) / 1e6;
        const uint64_t kind = random() % 40;
        if (kind == 0)
          v = normal_nan();
        else if (kind == 1)
          v *= 1e100;
        else if (kind == 2)
          v = -v;
        else if (kind == 3)
          v = std::numeric_limits<double>::infinity();
      }
      if (!out.empty() && random() % 4 == 0)
        v = out.back().second;
      out.emplace_back(ts, v);
    }
    return out;
  }

  void expect_definitions_hold(uint64_t seed, bool integers) {
    std::mt19937_64 random(seed);
    store.clear();
    const samples all = random_series(random, integers);
    for (const auto& [ts, v] : all)
      store.append(labels::from({{"__name__", "m"}}), ts, v);
    const int64_t range_ms = static_cast<int64_t>(1'000 + random() % 200'000);
    const int64_t step_ms = static_cast<int64_t>(1'000 + random() % 100'000);
    for (const definition& d : definitions) {
      std::string text = d.expression;
      text.replace(text.find('%'), 1, std::to_string(range_ms) + "ms");
      const auto r = range(text, 0, all.back().first + 100'000, step_ms);
      ASSERT_TRUE(r.ok()) << text << ": " << r.error().message();
      const auto& m = std::get<matrix_value>(r->value);
      size_t at = 0;
      for (timestamp_ms t = 0; t <= all.back().first + 100'000; t += step_ms) {
        window w;
        for (const auto& [ts, v] : all)
          if (ts > t - range_ms && ts <= t)
            w.push_back(v);
        if (w.empty())
          continue;
        ASSERT_LT(at, m[0].floats.size()) << text;
        const auto& point = m[0].floats[at++];
        ASSERT_EQ(point.ts, t) << text;
        const double want = d.of(w);
        if (std::isnan(want))
          ASSERT_TRUE(std::isnan(point.value)) << text << " at " << t;
        else
          ASSERT_EQ(std::bit_cast<uint64_t>(point.value), std::bit_cast<uint64_t>(want))
              << text << " at " << t << ": " << point.value << " instead of " << want;
      }
      EXPECT_TRUE(m.empty() || at == m[0].floats.size()) << text;
    }
  }
};

TEST_F(RangeFunctions, SlidingWindowsGiveTheSameBitsAsTheDefinition) {
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE(seed);
    expect_definitions_hold(seed, false);
    expect_definitions_hold(seed, true);
  }
}

TEST_F(RangeFunctions, RateExtrapolatesToTheEndsOfTheRange) {
  load(20 * second, "c_total 0+30x20");
  EXPECT_EQ(at("rate(c_total[1m])", 5 * minute), "{} 1.5");
  EXPECT_EQ(at("increase(c_total[1m])", 5 * minute), "{} 90");
  EXPECT_EQ(at("delta(c_total[1m])", 5 * minute), "{} 90");
  EXPECT_EQ(at("rate(c_total[20s])", 5 * minute), "") << "one sample is no rate";
}

TEST_F(RangeFunctions, ACounterIsNotExtrapolatedBelowZero) {
  load(15 * second, "c_total _ _ 1 11 21 31");
  // Starts 1.5 s before its first sample: 30 over 45 s, from 28.5 s to 75 s.
  EXPECT_EQ(at("round(increase(c_total[2m]), 0.001)", 75 * second), "{} 31");
  EXPECT_EQ(at("round(delta(c_total[2m]), 0.001)", 75 * second), "{} 35");
}

TEST_F(RangeFunctions, ResetsAreAddedBack) {
  load(15 * second, "c_total 0 10 20 5 15 3 13 23 33");
  // 33 - 0 and what was lost at the two resets: 20 and 15.
  EXPECT_EQ(at("increase(c_total[121s])", 2 * minute), "{} 68");
}

TEST_F(RangeFunctions, ResetsBeforeTheWindowDoNotCount) {
  load(15 * second, "c_total 100 0 10 20 30 40 50 60 70 80 90");
  EXPECT_EQ(over("increase(c_total[1m])", 90 * second, 150 * second, 30 * second),
            "{} 40@90 40@120 40@150");
}

TEST_F(RangeFunctions, StartTimesShowResetsThatValuesHide) {
  const labels c = labels::from({{"__name__", "c_total"}});
  for (int i = 0; i < 6; ++i)  // from the fourth sample on another process counts
    store.append(c, i * minute, 10.0 + i, i < 3 ? -minute : 2 * minute + 1);
  EXPECT_EQ(at("resets(c_total[6m])", 5 * minute), "{} 0");
  options.use_start_timestamps = true;
  EXPECT_EQ(at("resets(c_total[6m])", 5 * minute), "{} 1");
  EXPECT_EQ(at("increase(c_total[5m])", 5 * minute), "{} 20")
      << "15 - 11 + 12, extrapolated by a minute";
}

TEST_F(RangeFunctions, InstantRatesUseTheLastTwoSamples) {
  load(10 * second, "c_total 0 100 110 5");
  EXPECT_EQ(at("irate(c_total[1m])", 20 * second), "{} 1");
  EXPECT_EQ(at("irate(c_total[1m])", 30 * second), "{} 0.5") << "a reset: counted from zero";
  EXPECT_EQ(at("idelta(c_total[1m])", 30 * second), "{} -105");
}

TEST_F(RangeFunctions, TrendsOfAStraightLine) {
  load(10 * second, "m 5+2x10");
  EXPECT_EQ(at("deriv(m[1m])", 100 * second), "{} 0.2");
  EXPECT_EQ(at("predict_linear(m[1m], 50)", 100 * second), "{} 35");
  load(10 * second, "flat 5x10");
  EXPECT_EQ(at("deriv(flat[1m])", 100 * second), "{} 0");
}

TEST_F(RangeFunctions, AbsentOverTimeFillsTheGaps) {
  load(minute, "m{a=\"b\"} 1 _ _ _ 1");
  EXPECT_EQ(over("absent_over_time(m{a=\"b\", c!=\"d\"}[1m])", 0, 4 * minute, minute),
            "{a=\"b\"} 1@60 1@120 1@180");
  EXPECT_EQ(over("present_over_time(m[1m])", 0, 4 * minute, minute), "{a=\"b\"} 1@0 1@240");
}

TEST_F(RangeFunctions, FloatsBesideHistograms) {
  load(minute, "m 1 2 {{count:1 sum:1}}");
  auto r = instant("sum_over_time(m[5m])", 2 * minute);
  ASSERT_TRUE(r.ok());
  EXPECT_EQ(show(r), "");
  EXPECT_EQ(r->warnings,
            std::vector<std::string>{"PromQL warning: encountered a mix of histograms and floats "
                                     "for metric name \"m\" (1:15)"});
  r = instant("max_over_time(m[5m])", 2 * minute);
  EXPECT_EQ(show(r), "{} 2");
  EXPECT_EQ(r->infos,
            std::vector<std::string>{"PromQL info: ignored histograms in a range containing both "
                                     "floats and histograms for metric name \"m\" (1:15)"});
}

}  // namespace
}  // namespace troupe::query
