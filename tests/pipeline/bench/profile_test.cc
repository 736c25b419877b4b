#include "pipeline/bench/profile.h"

#include "pipeline/bench/target_farm.h"
#include "pipeline/parse/text_parser.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <numeric>
#include <set>

namespace troupe::bench {
namespace {

recording node() {
  auto r = decompress_recording(embedded_recording());
  EXPECT_TRUE(r.ok()) << r.error().to_string();
  return r.ok() ? *r : recording{};
}

profile_ptr made(const std::string& name, size_t width = 0) {
  auto p =
      name == "node" ? make_recorded_profile(node(), width) : make_synthetic_profile(name, width);
  EXPECT_TRUE(p.ok()) << p.error().to_string();
  return *p;
}

std::vector<std::vector<double>> rows(const profile& p, uint64_t seed, uint64_t host, size_t n) {
  auto source = p.source(seed, host);
  std::vector<std::vector<double>> out(n, std::vector<double>(p.width()));
  for (auto& r : out)
    source->next(r);
  return out;
}

class Profiles : public ::testing::TestWithParam<const char*> {};

TEST_P(Profiles, GiveEqualBytesForEqualSeeds) {
  const auto a = made(GetParam()), b = made(GetParam());
  EXPECT_EQ(rows(*a, 7, 3, 50), rows(*b, 7, 3, 50));
  std::string first, second;
  render_exposition(*a, rows(*a, 7, 3, 5).back(), first);
  render_exposition(*b, rows(*b, 7, 3, 5).back(), second);
  EXPECT_EQ(first, second);
}

TEST_P(Profiles, DifferBySeedAndByHost) {
  const auto p = made(GetParam());
  const auto base = rows(*p, 7, 3, 20);
  EXPECT_NE(base, rows(*p, 8, 3, 20));
  EXPECT_NE(base, rows(*p, 7, 4, 20));
}

// What is exposed parses, has as many series as the profile says, and gives back equal bits.
TEST_P(Profiles, ExposeWhatTheySay) {
  for (const size_t width : {size_t{0}, size_t{1}, size_t{20}, size_t{333}}) {
    const auto p = made(GetParam(), width);
    if (width != 0) {
      ASSERT_EQ(p->width(), width);
    }
    const auto row = rows(*p, 1, 1, 3).back();
    std::string body;
    render_exposition(*p, row, body);
    parse::text_parser parser(body);
    size_t n = 0;
    std::set<std::string> seen;
    for (auto e = parser.next(); e != parse::entry::end; e = parser.next()) {
      ASSERT_NE(e, parse::entry::error) << parser.error();
      if (e != parse::entry::series)
        continue;
      ASSERT_LT(n, row.size());
      EXPECT_EQ(std::bit_cast<uint64_t>(parser.value()), std::bit_cast<uint64_t>(row[n]))
          << parser.series();
      labels_builder b;
      ASSERT_TRUE(parser.read_labels(b).ok());
      EXPECT_EQ(b.build(), p->series()[n]);
      EXPECT_TRUE(seen.insert(b.build().to_string()).second) << parser.series();
      ++n;
    }
    EXPECT_EQ(n, p->width());
  }
}

INSTANTIATE_TEST_SUITE_P(All, Profiles,
                         ::testing::Values("node", "busy", "walk16", "classic", "native"));

TEST(NodeProfile, TakesOnlyStepsOfTheSeriesQuantum) {
  const auto from = node();
  ASSERT_GE(from.rows, 500u);
  ASSERT_EQ(from.columns.size(), 523u);
  const auto p = made("node");
  const auto got = rows(*p, 5, 9, 400);
  size_t moving = 0, noisy = 0;
  for (size_t c = 0; c < from.columns.size(); ++c) {
    const auto& column = from.columns[c];
    if (column.made == recorded_column::form::raw)
      continue;
    int64_t quantum = 0;
    bool falls = false;
    for (size_t r = 1; r < from.rows; ++r) {
      quantum = std::gcd(quantum, column.integers[r] - column.integers[r - 1]);
      falls = falls || column.integers[r] < column.integers[r - 1];
    }
    const auto integer_of = [&](double v) {
      const auto i = std::llround(v * std::pow(10.0, column.decimals));
      EXPECT_EQ(column.value_of(i), v) << p->series()[c].to_string();
      return i;
    };
    std::set<int64_t> recorded(column.integers.begin(), column.integers.end());
    for (size_t r = 1; r < got.size(); ++r) {
      const int64_t step = integer_of(got[r][c]) - integer_of(got[r - 1][c]);
      if (quantum == 0) {
        ASSERT_EQ(got[r][c], column.value_of(column.integers[0])) << p->series()[c].to_string();
        continue;
      }
      ASSERT_EQ(step % quantum, 0) << p->series()[c].to_string() << " row " << r;
      if (!falls) {
        ASSERT_GE(step, 0) << p->series()[c].to_string() << " row " << r;
      }
      noisy += step != 0 && recorded.count(integer_of(got[r][c])) == 0;
    }
    moving += quantum != 0;
  }
  // The recorded machine was busy, and the noise is there.
  EXPECT_GT(moving, 150u);
  EXPECT_GT(noisy, 20'000u);
}

TEST(NodeProfile, RefusesMoreSeriesThanWereRecorded) {
  EXPECT_EQ(make_recorded_profile(node(), 524).code(), errc::invalid_argument);
}

TEST(Profiles, RefuseUnknownNames) {
  EXPECT_EQ(make_synthetic_profile("nodes", 0).code(), errc::invalid_argument);
}

TEST(WalkProfile, NeedsSixteenDigits) {
  size_t long_ones = 0, n = 0;
  const auto p = made("walk16", 50);
  for (const auto& row : rows(*p, 1, 0, 50))
    for (const double v : row) {
      char text[40];
      std::snprintf(text, sizeof text, "%.14e", v);
      long_ones += std::strtod(text, nullptr) != v;
      ++n;
    }
  EXPECT_GT(long_ones, n * 9 / 10);
}

TEST(BusyProfile, MovesEverySeriesAlmostAlways) {
  const auto p = made("busy");
  const auto got = rows(*p, 1, 0, 100);
  size_t still = 0;
  for (size_t r = 1; r < got.size(); ++r)
    for (size_t c = 0; c < p->width(); ++c)
      still += got[r][c] == got[r - 1][c];
  EXPECT_LT(still, p->width() * 99 / 50);
}

TEST(ClassicProfile, IsAHistogram) {
  const auto p = made("classic", 28);
  auto last = rows(*p, 1, 0, 1).back();
  for (const auto& row : rows(*p, 1, 0, 50)) {
    for (size_t h = 0; h < 28; h += 14) {
      for (size_t b = 1; b < 12; ++b)
        EXPECT_GE(row[h + b], row[h + b - 1]);
      EXPECT_EQ(row[h + 11], row[h + 13]);
    }
    for (size_t c = 0; c < row.size(); ++c)
      if (c % 14 != 12) {
        EXPECT_GE(row[c], last[c]);
      }
    last = row;
  }
  EXPECT_EQ(p->series()[11].get("le"), "+Inf");
  EXPECT_EQ(p->series()[7].get("le"), "1.0");
}

TEST(NativeProfile, BucketsAddUpAndOnlyGrow) {
  const auto p = made("native", 9);
  EXPECT_TRUE(p->native());
  std::vector<histogram> last(9);
  for (const auto& row : rows(*p, 1, 0, 60))
    for (size_t c = 0; c < 9; ++c) {
      const auto h = p->native_value(c, row[c]);
      const double sum =
          std::accumulate(h.positive_buckets.begin(), h.positive_buckets.end(), h.zero_count);
      EXPECT_EQ(sum, h.count);
      size_t spans = 0;
      for (const auto& s : h.positive_spans)
        spans += s.length;
      EXPECT_EQ(spans, h.positive_buckets.size());
      for (size_t b = 0; b < last[c].positive_buckets.size(); ++b)
        EXPECT_GE(h.positive_buckets[b], last[c].positive_buckets[b]);
      last[c] = h;
    }
}

}  // namespace
}  // namespace troupe::bench
