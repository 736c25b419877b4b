#include "pipeline/remote/series_cache.h"

#include "pipeline/remote/protobuf.h"
#include "pipeline/remote/write_codec.h"
#include "storage/model/slot.h"
#include "tests/support/remote_write_body.h"

#include <gtest/gtest.h>

#include <map>
#include <thread>

namespace troupe::remote {
namespace {

using support::write_request;
using support::write_series;

labels numbered(int i) {
  return labels::from(
      {{"__name__", "m" + std::to_string(i)}, {"job", "j"}, {"instance", std::to_string(i / 100)}});
}

/// One sample for each of [first, last), its value the series' number.
std::string request(int first, int last, timestamp_ms ts = 1000) {
  std::vector<write_series> all;
  for (int i = first; i < last; ++i)
    all.push_back({numbered(i), {{ts, static_cast<double>(i)}}});
  return write_request(all);
}

/// Every sample of a request with the labels of its place.
std::multimap<std::string, double> samples(const decoded_write& w) {
  std::multimap<std::string, double> out;
  for (const auto& b : w.batches)
    for (const auto& f : b->floats)
      out.emplace(b->table->series.at(f.series).to_string(), f.value);
  return out;
}

std::multimap<std::string, double> expected(int first, int last) {
  std::multimap<std::string, double> out;
  for (int i = first; i < last; ++i)
    out.emplace(numbered(i).to_string(), i);
  return out;
}

class SeriesCache : public ::testing::Test {
 protected:
  decoded_write decode(std::string_view bytes) {
    auto got = decode_write(bytes, *known);
    EXPECT_TRUE(got.ok());
    return got.ok() ? std::move(*got) : decoded_write();
  }
  void remake(series_cache::settings s) {
    known = std::make_unique<series_cache>(std::move(s), clk);
  }

  manual_clock clk;
  std::unique_ptr<series_cache> known =
      std::make_unique<series_cache>(series_cache::settings(), clk);
};

TEST_F(SeriesCache, KnownSeriesKeepTheirTables) {
  auto first = decode(request(0, 1300));
  EXPECT_EQ(samples(first), expected(0, 1300));
  EXPECT_EQ(known->series_count(), 1300u);
  auto again = decode(request(0, 1300, 2000));
  EXPECT_EQ(samples(again), expected(0, 1300));
  ASSERT_EQ(again.batches.size(), first.batches.size());
  for (size_t i = 0; i < first.batches.size(); ++i) {
    EXPECT_EQ(again.batches[i]->table, first.batches[i]->table);
    EXPECT_EQ(again.batches[i]->group, first.batches[i]->group);
    EXPECT_LE(again.batches[i]->table->series.size(), series_cache::page_series);
  }
  EXPECT_EQ(known->series_count(), 1300u);
}

TEST_F(SeriesCache, APageGrowsUnderTheSameGroup) {
  auto first = decode(request(0, 10));
  auto more = decode(request(5, 20));
  EXPECT_EQ(samples(more), expected(5, 20));
  ASSERT_EQ(more.batches.size(), 1u);
  EXPECT_EQ(more.batches[0]->group, first.batches[0]->group);
  EXPECT_NE(more.batches[0]->table, first.batches[0]->table);
  for (size_t i = 0; i < 10; ++i)
    EXPECT_TRUE(more.batches[0]->table->series[i].same_object(first.batches[0]->table->series[i]));
  EXPECT_EQ(first.batches[0]->table->series.size(), 10u)
      << "tables that were handed out never change";
}

TEST_F(SeriesCache, EveryBatchIsOfOneShard) {
  remake({.tenant = "", .shards = 3});
  auto got = decode(request(0, 4000));
  EXPECT_EQ(samples(got), expected(0, 4000));
  for (const auto& b : got.batches)
    for (size_t i = 0; i < b->table->series.size(); ++i) {
      EXPECT_EQ(b->table->slot(i), slot_of("", b->table->series[i]));
      EXPECT_EQ(b->table->slot(i) % 3, b->table->slot(0) % 3);
    }
}

TEST_F(SeriesCache, SeriesThatAreNoLongerSentAreForgotten) {
  remake({.round_ms = 1000});
  decode(request(0, 1000));
  clk.advance_ms(1500);
  decode(request(2000, 2001));  // ends the first round: all were in use
  EXPECT_EQ(known->series_count(), 1001u);
  decode(request(0, 10));
  clk.advance_ms(1500);
  EXPECT_EQ(samples(decode(request(3000, 3001))),
            expected(3000, 3001));  // ends the second: 10 of 1001 were
  EXPECT_EQ(known->series_count(), 1u);
  auto back = decode(request(0, 20));
  EXPECT_EQ(samples(back), expected(0, 20));
  EXPECT_EQ(known->series_count(), 21u);
}

TEST_F(SeriesCache, StartsAnewAboveItsBound) {
  remake({.max_series = 100});
  for (int n = 0; n < 10; ++n)
    EXPECT_EQ(samples(decode(request(n * 60, n * 60 + 80))), expected(n * 60, n * 60 + 80));
  EXPECT_LE(known->series_count(), 180u);
}

TEST_F(SeriesCache, KeepsLittleWhileMemoryIsShort) {
  decode(request(0, 1000));
  known->forget_beyond(1000);
  EXPECT_EQ(known->series_count(), 1000u);
  known->forget_beyond(999);
  EXPECT_EQ(known->series_count(), 0u);
  EXPECT_EQ(samples(decode(request(990, 1020))), expected(990, 1020));
  EXPECT_EQ(known->series_count(), 30u);
}

TEST_F(SeriesCache, AnotherOrderIsNoOtherSeries) {
  const auto in_order = [](const std::vector<int>& order, timestamp_ms ts) {
    std::vector<write_series> all;
    for (const int i : order)
      all.push_back({numbered(i), {{ts, static_cast<double>(i)}}});
    return write_request(all);
  };
  const std::vector<std::vector<int>> orders = {{1, 2, 3, 4}, {1, 2, 3, 4}, {1, 2, 3, 4},
                                                {1, 3, 2, 4}, {4, 3, 2, 1}, {1, 1, 2, 2},
                                                {2, 5, 3, 6}, {1, 2, 3, 4}, {3, 4}};
  timestamp_ms ts = 0;
  for (const auto& order : orders) {
    std::multimap<std::string, double> want;
    for (const int i : order)
      want.emplace(numbered(i).to_string(), i);
    EXPECT_EQ(samples(decode(in_order(order, ++ts))), want);
  }
}

TEST_F(SeriesCache, ASeriesWhoseBytesBeginLikeTheExpectedOnesIsAnother) {
  const labels first = numbered(1);
  const labels expected_one = labels::from({{"__name__", "m"}, {"job", "j"}});
  const labels longer = labels::from({{"__name__", "m"}, {"job", "j"}, {"zone", "z"}});
  for (int n = 0; n < 3; ++n)
    decode(write_request({{first, {{n, 1}}}, {expected_one, {{n, 2}}}}));
  EXPECT_EQ(samples(decode(write_request({{first, {{9, 1}}}, {longer, {{9, 2}}}}))),
            (std::multimap<std::string, double>{{first.to_string(), 1}, {longer.to_string(), 2}}));
  // The same label behind the sample: legal.
  std::string bytes = write_request({{first, {{10, 1}}}});
  protozero::pbf_writer request(bytes);
  {
    protozero::pbf_writer series(request, 1);
    const auto label = [&](const char* name, const char* value) {
      protozero::pbf_writer l(series, 1);
      l.add_string(1, name);
      l.add_string(2, value);
    };
    label("__name__", "m");
    label("job", "j");
    {
      protozero::pbf_writer s(series, 2);
      s.add_double(1, 2);
      s.add_int64(2, 10);
    }
    label("zone", "z");
  }
  EXPECT_EQ(samples(decode(bytes)),
            (std::multimap<std::string, double>{{first.to_string(), 1}, {longer.to_string(), 2}}));
}

TEST_F(SeriesCache, RefusedSeriesAreNeverKnown) {
  std::string bad = write_request({{labels::from({{"job", "nameless"}}), {{1, 1}}}});
  for (int n = 0; n < 2; ++n) {
    auto got = decode(bad);
    EXPECT_EQ(got.refused_series.count, 1u);
    EXPECT_TRUE(got.batches.empty());
  }
  EXPECT_EQ(known->series_count(), 0u);
}

TEST_F(SeriesCache, ThreadsAgreeOnPlaces) {
  remake({.shards = 2, .max_series = 3000});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([this, t] {
      for (int n = 0; n < 60; ++n) {
        int first = (n * 37 + t * 400) % 2500;
        auto got = decode_write(request(first, first + 600), *known);
        ASSERT_TRUE(got.ok());
        ASSERT_EQ(samples(*got), expected(first, first + 600));
      }
    });
  for (auto& t : threads)
    t.join();
}

}  // namespace
}  // namespace troupe::remote
