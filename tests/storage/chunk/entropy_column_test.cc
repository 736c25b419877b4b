#include "storage/chunk/entropy_column.h"

#include "storage/base/random.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace troupe::storage {
namespace {

std::string encode(const std::vector<uint64_t>& values, uint64_t offset, uint64_t factor) {
  integer_rows rows;
  rows.resize(values.size());
  std::copy(values.begin(), values.end(), rows.data());
  entropy_encoder encoder;
  std::string out;
  encoder.encode(rows, offset, factor, 7, out);
  return out;
}

// Empty if the bytes do not hold.
std::vector<uint64_t> decode(std::string_view bytes, size_t count) {
  const std::vector<char> copy(bytes.begin(), bytes.end());
  byte_reader in({copy.data(), copy.size()});
  entropy_decoder column;
  std::vector<uint64_t> out((count + block_rows - 1) / block_rows * block_rows);
  if (!column.open(in, count) || column.tag() != 7 || !in.at_end())
    return {};
  for (size_t at = 0; at < count; at += block_rows)
    if (!column.next(out.data() + at))
      return {};
  out.resize(count);
  return out;
}

TEST(entropy_column, integers_of_any_kind_come_back) {
  seeded_random random(8);
  using generator = std::function<uint64_t(uint64_t before)>;
  const std::vector<generator> generators = {
      [&](uint64_t) { return random.next(); },
      [&](uint64_t) { return random.below(3) << 63 | random.below(3); },
      [&](uint64_t) { return random.next() >> random.below(64); },
      [&](uint64_t b) { return b + (random.next() >> 58); },
      [&](uint64_t b) { return b + 1000 - (random.next() >> 40); },
      [&](uint64_t b) { return b + 1 + 512 * random.below(9); },
      [&](uint64_t b) { return random.below(50) ? b : random.next() >> 20; },
      [&](uint64_t) { return 5000 + 40 * random.below(100); },
      [&](uint64_t b) { return b; },
  };
  for (int round = 0; round < 1500; ++round) {
    const generator& next = generators[random.below(generators.size())];
    std::vector<uint64_t> rows(1 + random.below(round % 10 ? 300 : 5000)), expected;
    uint64_t v = random.next();
    const uint64_t offset = random.next(), factor = 1 + random.below(3) * random.next();
    for (auto& row : rows) {
      row = v = next(v);
      expected.push_back(offset + factor * v);
    }
    ASSERT_EQ(decode(encode(rows, offset, factor), rows.size()), expected) << round;
  }
}

TEST(entropy_column, prediction_and_divisor_are_found) {
  seeded_random random(9);
  const auto bits_per_row = [&](const std::function<uint64_t(size_t)>& f) {
    std::vector<uint64_t> rows;
    for (size_t i = 0; i < 2000; ++i)
      rows.push_back(f(i));
    return 8.0 * static_cast<double>(encode(rows, 0, 1).size()) / 2000;
  };
  uint64_t sum = 0, rate = 0;
  EXPECT_LT(bits_per_row([&](size_t) { return 1'000'000 + random.below(64); }), 6.3);
  EXPECT_LT(bits_per_row([&](size_t) { return sum += 1'000'000 + random.below(64); }), 6.3);
  EXPECT_LT(bits_per_row([&](size_t) { return sum += rate += random.below(64) - 32; }), 6.3);
  EXPECT_LT(bits_per_row([&](size_t) { return sum += 7 + 4096 * random.below(64); }), 6.3);
  EXPECT_LT(bits_per_row([&](size_t i) { return i * i; }), 0.1);
}

TEST(entropy_column, damage_is_refused_or_read_never_a_crash) {
  seeded_random random(10);
  for (int round = 0; round < 200; ++round) {
    std::vector<uint64_t> rows(1 + random.below(400));
    const auto width = random.below(64);
    for (auto& row : rows)
      row = random.next() >> width;
    const std::string bytes = encode(rows, 0, 1);
    for (size_t n = 0; n < bytes.size(); n += 1 + n / 8)
      ASSERT_TRUE(decode(bytes.substr(0, n), rows.size()).empty());
    for (int flips = 0; flips < 50; ++flips) {
      std::string bad = bytes;
      bad[random.below(bad.size())] ^= static_cast<char>(1u << random.below(8));
      decode(bad, rows.size());
    }
    EXPECT_TRUE(decode(bytes, rows.size() + 1).empty());
  }
}

}  // namespace
}  // namespace troupe::storage
