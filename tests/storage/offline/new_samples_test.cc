// What an import leaves out must make no difference: what is there and what is new merge to the
// same as what is there and all that came.
#include "storage/offline/new_samples.h"

#include "storage/chunk/columns.h"
#include "tests/storage/block/series_data.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

sample_columns random_columns(seeded_random& random) {
  sample_columns out;
  for (timestamp_ms ts = 0; ts < 60; ++ts) {
    const auto start = static_cast<timestamp_ms>(random.below(3));
    switch (random.below(4)) {
      case 0:
        append_float(out, ts, test::random_value(random, 5, 0), start);
        break;
      case 1: {
        histogram h;
        h.sum = static_cast<double>(random.below(3));
        h.hint = random.below(2) ? counter_reset_hint::gauge : counter_reset_hint::reset;
        out.histograms.push_back({ts, start, std::make_shared<const histogram>(h)});
        break;
      }
      default:
        break;
    }
  }
  return out;
}

test::flat merged(const sample_columns& a, const sample_columns& b) {
  sample_columns out;
  merge_columns(std::vector{a, b}, out);
  test::flat f;
  test::flatten("s", out, f);
  return f;
}

TEST(new_samples, what_is_left_out_makes_no_difference) {
  seeded_random random(6);
  for (int round = 0; round < 500; ++round) {
    const auto existing = random_columns(random), incoming = random_columns(random);
    auto kept = incoming;
    drop_known(existing, kept);
    ASSERT_EQ(merged(existing, kept), merged(existing, incoming)) << round;
    // Nothing is kept in vain.
    auto again = kept;
    sample_columns all;
    merge_columns(std::vector{existing, incoming}, all);
    drop_known(all, again);
    EXPECT_TRUE(again.ts.empty() && again.histograms.empty()) << round;
    auto same = existing;
    drop_known(existing, same);
    EXPECT_TRUE(same.ts.empty() && same.histograms.empty()) << round;
  }
}

TEST(new_samples, vague_hints_are_equal) {
  histogram h;
  h.sum = 5;
  h.hint = counter_reset_hint::unknown;
  sample_columns a, b;
  a.histograms.push_back({1, 0, std::make_shared<const histogram>(h)});
  h.hint = counter_reset_hint::not_reset;
  b.histograms.push_back({1, 0, std::make_shared<const histogram>(h)});
  auto kept = b;
  drop_known(a, kept);
  EXPECT_TRUE(kept.histograms.empty());
  h.hint = counter_reset_hint::gauge;
  kept = {};
  kept.histograms.push_back({1, 0, std::make_shared<const histogram>(h)});
  drop_known(a, kept);
  EXPECT_EQ(kept.histograms.size(), 1u);
}

TEST(new_samples, series_are_compared_in_label_order_and_counted) {
  seeded_random random(7);
  const auto all = test::random_series(random, {.series = 30, .samples = 20});
  std::vector<test::series_data> part;
  for (size_t i = 0; i < all.size(); i += 3)
    part.push_back(all[i]);
  sample_filter filter;
  filter.selectors = {{*matcher::make(match_op::regex, "i", "..?")}};
  new_sample_counts counts;
  uint64_t reported = 0;
  const std::function<void(uint64_t)> on_progress = [&](uint64_t n) { reported = n; };
  auto set =
      new_samples(std::make_unique<test::data_series_set>(all),
                  std::make_unique<test::data_series_set>(part), filter, counts, on_progress);
  const auto got = test::drain(*set);
  auto want = test::flatten(all);
  for (const auto& s : part)
    want.erase(s.series.to_string());
  EXPECT_EQ(got, want);
  EXPECT_EQ(counts.read, test::count_samples(test::flatten(all)));
  EXPECT_EQ(counts.known, test::count_samples(test::flatten(part)));
  EXPECT_EQ(counts.series, 30u);
  EXPECT_EQ(reported, counts.read);
}

}  // namespace
}  // namespace troupe::storage
