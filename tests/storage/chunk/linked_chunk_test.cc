// Chunks that are told by another one: whole, in part, over several links, and damaged.
#include "storage/base/random.h"
#include "storage/chunk/chunk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace troupe::storage {
namespace {

// A chain of columns of which each is above the one before.
class linked_chunk : public ::testing::Test {
 protected:
  linked_chunk() {
    for (size_t i = 0; i < 500; ++i) {
      ts_.push_back(static_cast<timestamp_ms>(i * 15'000 + random_.below(9)));
      starts_.push_back(i < 300 ? 7 : 4'500'000);
    }
    std::vector<double> values(ts_.size());
    for (size_t level = 0; level < 4; ++level) {
      double sum = 0;
      for (auto& v : values)
        v += sum += static_cast<double>(random_.below(9));
      values_.push_back(values);
    }
    chunks_.push_back(encode_chunk(ts_, values_[0], starts_, storage_tier::cold));
    for (size_t level = 1; level < values_.size(); ++level)
      chunks_.push_back(encode_linked_chunk(ts_.size(), {1000 * level, 999}, difference_sign::added,
                                            *difference_of(values_[level - 1], values_[level])));
  }

  // The last of the chain.
  status decode(timestamp_ms mint, timestamp_ms maxt, chunk_window& out) const {
    chunk_window base;
    TROUPE_TRY(decode_window(chunks_[0], mint, maxt, nullptr, base));
    for (size_t i = 1; i < chunks_.size(); ++i) {
      TROUPE_TRY(decode_window(chunks_[i], mint, maxt, &base, out));
      std::swap(base, out);
    }
    std::swap(base, out);
    return {};
  }

  seeded_random random_{5};
  std::vector<timestamp_ms> ts_, starts_;
  std::vector<std::vector<double>> values_;
  std::vector<std::string> chunks_;
};

TEST_F(linked_chunk, gives_its_samples_in_any_window) {
  for (int round = 0; round < 300; ++round) {
    const size_t from = random_.below(ts_.size() + 1);
    const size_t to = from + random_.below(ts_.size() + 1 - from);  // half open
    const timestamp_ms mint = from < ts_.size() ? ts_[from] : max_time;
    const timestamp_ms maxt = to > 0 ? ts_[to - 1] : min_time;
    chunk_window w;
    ASSERT_TRUE(decode(mint, maxt, w).ok());
    const auto part = [&](const auto& column) {
      return std::vector(column.begin() + static_cast<std::ptrdiff_t>(from),
                         column.begin() + static_cast<std::ptrdiff_t>(to));
    };
    ASSERT_EQ(w.samples, ts_.size());
    ASSERT_EQ(w.columns.ts, part(ts_));
    ASSERT_EQ(w.columns.start_ts, part(starts_));
    ASSERT_EQ(w.columns.values, part(values_.back()));
  }
}

TEST_F(linked_chunk, lower_ones_are_told_by_higher_ones_too) {
  chunk_window high, low;
  ASSERT_TRUE(decode_window(encode_chunk(ts_, values_[1]), ts_[10], ts_[20], nullptr, high).ok());
  const auto bytes = encode_linked_chunk(ts_.size(), {5, 5}, difference_sign::subtracted,
                                         *difference_of(values_[0], values_[1]));
  ASSERT_TRUE(decode_window(bytes, ts_[10], ts_[20], &high, low).ok());
  EXPECT_TRUE(
      std::equal(low.columns.values.begin(), low.columns.values.end(), values_[0].begin() + 10));
  EXPECT_EQ(low.columns.ts.size(), 11u);
}

TEST_F(linked_chunk, link_of_says_where_the_other_lies) {
  EXPECT_EQ(*link_of(chunks_[0]), std::nullopt);
  EXPECT_EQ(*link_of(chunks_[2]), (chunk_link{2000, 999}));
  EXPECT_EQ(link_of("").code(), errc::corruption);
  const auto d = difference_of(values_[0], values_[1]);
  for (const chunk_link bad : {chunk_link{0, 0}, {9, 0}, {0, 9}, {8, 9}})
    EXPECT_EQ(link_of(encode_linked_chunk(ts_.size(), bad, difference_sign::added, *d)).code(),
              errc::corruption);
}

TEST_F(linked_chunk, does_not_stand_alone_nor_fit_another_one) {
  sample_columns out;
  EXPECT_EQ(decode_chunk(chunks_[1], min_time, max_time, out).code(), errc::corruption);
  EXPECT_EQ(summarize_chunk(chunks_[1]).code(), errc::corruption);
  chunk_window base, w;
  EXPECT_EQ(decode_window(chunks_[1], min_time, max_time, nullptr, w).code(), errc::corruption);
  ASSERT_TRUE(decode_window(chunks_[0], min_time, max_time, nullptr, base).ok());
  EXPECT_EQ(decode_window(chunks_[0], min_time, max_time, &base, w).code(), errc::corruption);
  base.samples = 499;
  EXPECT_EQ(decode_window(chunks_[1], min_time, max_time, &base, w).code(), errc::corruption);
  const sample_columns::histogram_row row{1, 0, std::make_shared<const histogram>()};
  EXPECT_EQ(decode_window(encode_histogram_chunk({&row, 1}), min_time, max_time, nullptr, w).code(),
            errc::corruption);
}

TEST_F(linked_chunk, damage_is_refused_or_changes_values_only) {
  chunk_window base, w;
  ASSERT_TRUE(decode_window(chunks_[0], min_time, max_time, nullptr, base).ok());
  for (size_t n = 0; n < chunks_[1].size(); ++n)
    EXPECT_FALSE(decode_window(chunks_[1].substr(0, n), min_time, max_time, &base, w).ok()) << n;
  EXPECT_FALSE(decode_window(chunks_[1] + "x", min_time, max_time, &base, w).ok());
  for (size_t at = 0; at < chunks_[1].size(); ++at)
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string bad = chunks_[1];
      bad[at] = static_cast<char>(bad[at] ^ 1 << bit);
      if (decode_window(bad, min_time, max_time, &base, w).ok()) {
        ASSERT_EQ(w.columns.ts, ts_);
        ASSERT_EQ(w.columns.values.size(), ts_.size());
      }
    }
}

}  // namespace
}  // namespace troupe::storage
