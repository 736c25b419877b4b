// byte_slab, open_column.
#include "storage/head/open_column.h"

#include "storage/base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>
#include <map>
#include <vector>

namespace troupe::storage {
namespace {

TEST(byte_slab, runs_keep_their_bytes_and_memory_is_reused) {
  seeded_random random(1);
  byte_slab slab;
  std::map<int, std::pair<slab_bytes, std::vector<uint8_t>>> runs;
  size_t peak = 0;
  for (int i = 0; i < 60'000; ++i) {
    const int n = static_cast<int>(random.below(200));
    auto& [run, want] = runs[n];
    if (random.below(100) == 0) {
      slab.release(run);
      runs.erase(n);
      continue;
    }
    uint8_t bytes[16];
    const auto more = static_cast<uint16_t>(1 + random.below(sizeof bytes));
    if (want.size() + more > byte_slab::max_bytes)
      continue;
    for (uint16_t k = 0; k < more; ++k)
      want.push_back(bytes[k] = static_cast<uint8_t>(random.next()));
    slab.append(run, bytes, more);
    if (i % 64 == 0) {
      for (const auto& [number, r] : runs) {
        byte_slab::buffer buffer;
        const auto got = slab.read(r.first, buffer);
        ASSERT_TRUE(std::equal(got.begin(), got.end(), r.second.begin(), r.second.end()));
      }
    }
    if (i == 30'000)
      peak = slab.memory_bytes();
  }
  // A steady load does not make it grow for ever.
  EXPECT_LT(slab.memory_bytes(), 2 * peak);
  for (auto& [n, r] : runs)
    slab.release(r.first);
  EXPECT_EQ(slab.used_bytes(), 0u);
}

// Appends, and reads the whole column after every append. Returns its bytes.
size_t check(const std::vector<double>& values) {
  byte_slab slab;
  open_values column;
  for (size_t n = 1; n <= values.size(); ++n) {
    append_value(slab, column, n - 1, values[n - 1]);
    std::vector<double> got(n);
    read_values(slab, column, got);
    for (size_t i = 0; i < n; ++i)
      EXPECT_EQ(std::bit_cast<uint64_t>(got[i]), std::bit_cast<uint64_t>(values[i]))
          << i << " of " << n;
    if (testing::Test::HasFailure())
      return 0;
  }
  const size_t bytes = column.bytes.size;
  slab.release(column.bytes);
  EXPECT_EQ(slab.used_bytes(), 0u);
  return bytes;
}

std::vector<double> column_of(size_t n, const std::function<double(size_t)>& value) {
  std::vector<double> out;
  for (size_t i = 0; i < n; ++i)
    out.push_back(value(i));
  return out;
}

TEST(open_values, costs_what_it_says) {
  EXPECT_EQ(check(column_of(120, [](size_t) { return 7.25; })), 0u);
  EXPECT_EQ(check(column_of(120, [](size_t i) { return static_cast<double>(i * 20); })), 119u);
  // A step: runs of sixteen repeats on both sides.
  EXPECT_LE(check(column_of(120, [](size_t i) { return i < 60 ? 1.0 : 2.0; })), 10u);
  // Hundredths are integers too.
  EXPECT_LE(check(column_of(120, [](size_t i) { return static_cast<double>(i * 37) / 100; })),
            120u);
  EXPECT_LE(check(column_of(120, [](size_t i) { return 1.0 / static_cast<double>(i + 3); })),
            1100u);
  // A stale marker leaves the integers alone.
  EXPECT_LE(
      check(column_of(
          120, [](size_t i) { return i % 40 == 39 ? stale_nan() : 5.0 + static_cast<double>(i); })),
      125u);
}

TEST(open_values, keeps_every_bit) {
  const double inf = std::numeric_limits<double>::infinity();
  const double odd[] = {0.0,
                        -0.0,
                        1e300,
                        inf,
                        -inf,
                        stale_nan(),
                        normal_nan(),
                        std::bit_cast<double>(0x7ff8dead'beef0001ULL),
                        std::numeric_limits<double>::denorm_min(),
                        9007199254740993.0,
                        -9007199254740991.0,
                        0.1,
                        1e-9,
                        123456.789};
  seeded_random random(5);
  for (int round = 0; round < 600; ++round) {
    const uint64_t shape = random.below(6);
    double v = static_cast<double>(random.below(1000));
    const auto next = [&](size_t) {
      if (random.below(50) == 0)
        return odd[random.below(std::size(odd))];
      if (shape == 0)
        return odd[random.below(std::size(odd))];
      if (shape == 1)
        return std::bit_cast<double>(random.next());
      if (shape == 2 || random.below(2) == 0)
        v += static_cast<double>(random.below(1 + (1ULL << random.below(50))));
      if (shape == 3)
        v += static_cast<double>(random.below(100)) / 100;
      if (shape == 4)
        v = -v;
      return v;
    };
    check(column_of(1 + random.below(120), next));
    ASSERT_FALSE(HasFailure()) << round;
  }
}

TEST(open_times, keep_any_increasing_timestamps) {
  seeded_random random(9);
  for (int round = 0; round < 400; ++round) {
    byte_slab slab;
    open_times column;
    std::vector<timestamp_ms> want;
    timestamp_ms ts = round == 0 ? min_time : static_cast<timestamp_ms>(random.below(1ULL << 45));
    const uint64_t jitter = random.below(3) == 0 ? 1ULL << random.below(40) : 1;
    for (size_t n = 0; n < 120; ++n) {
      want.push_back(ts);
      append_time(slab, column, n, ts);
      std::vector<timestamp_ms> got(1 + random.below(want.size()));
      read_times(slab, column, got);
      ASSERT_TRUE(std::equal(got.begin(), got.end(), want.begin()));
      ASSERT_EQ(column.last, ts);
      if (round == 0 && n == 5)
        ts = max_time - 1000;
      else
        ts += 15'000 + static_cast<timestamp_ms>(random.below(jitter));
      if (ts <= want.back())
        break;
    }
    if (jitter == 1 && round > 0) {
      EXPECT_LE(column.bytes.size, 12u);
    }
  }
}

// What columns are made of is accepted; a byte that is gone, too much or another one is not, or it
// is a column of as many values that can be read and goes on.
TEST(open_column, operations_are_checked) {
  seeded_random random(7);
  for (int round = 0; round < 400; ++round) {
    byte_slab slab;
    open_values column;
    const size_t n = 1 + random.below(120);
    const uint64_t kind = random.below(4);
    for (size_t i = 0; i < n; ++i) {
      const uint64_t r = random.below(20);
      double v = static_cast<double>(r / 2);
      if (kind == 1)
        v = static_cast<double>(random.below(1000)) / 100;
      if (kind == 2)
        v = static_cast<double>(random.next()) / 3;
      if (kind == 3 && r < 4)
        v = stale_nan();
      append_value(slab, column, i, v);
    }
    byte_slab::buffer buffer;
    const auto read = slab.read(column.bytes, buffer);
    std::vector<uint8_t> ops(read.begin(), read.end());
    ASSERT_TRUE(valid_values(column.bytes.tag, ops, n)) << round;
    EXPECT_FALSE(valid_values(column.bytes.tag, ops, n + 1) && !ops.empty());
    for (int change = 0; change < 50 && !ops.empty(); ++change) {
      std::vector<uint8_t> other = ops;
      uint8_t tag = column.bytes.tag;
      const uint64_t what = random.below(4);
      if (what == 0)
        other.pop_back();
      else if (what == 1)
        other.push_back(static_cast<uint8_t>(random.next()));
      else if (what == 2)
        other[random.below(other.size())] = static_cast<uint8_t>(random.next());
      else
        tag = static_cast<uint8_t>(random.next());
      if (!valid_values(tag, other, n))
        continue;
      open_values restored{column.last, {}};
      slab.append(restored.bytes, other.data(), other.size());
      restored.bytes.tag = tag;
      std::vector<double> values(n + 1);
      read_values(slab, restored, std::span(values).first(n));
      append_value(slab, restored, n, 0.5);
      read_values(slab, restored, values);
      EXPECT_EQ(values[n], 0.5);
      slab.release(restored.bytes);
    }
  }
}

}  // namespace
}  // namespace troupe::storage
