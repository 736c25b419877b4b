#include "storage/chunk/value_column.h"

#include "storage/base/random.h"
#include "storage/chunk/kernels.h"
#include "storage/model/sample.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace troupe::storage {
namespace {

std::vector<uint64_t> bits_of(std::span<const double> values) {
  std::vector<uint64_t> out;
  for (const double v : values)
    out.push_back(std::bit_cast<uint64_t>(v));
  return out;
}

struct encoded {
  value_form form;
  std::string bytes;
};

// Encodes, and checks that the whole and any part come back.
encoded round_trip(std::span<const double> values, random_source& random,
                   storage_tier tier = storage_tier::hot) {
  encoded e;
  e.form = encode_values(values, e.bytes, tier);
  std::vector<double> out(values.size());
  byte_reader in(e.bytes);
  EXPECT_TRUE(decode_values(in, e.form, out));
  EXPECT_TRUE(in.at_end());
  EXPECT_EQ(bits_of(out), bits_of(values));
  const size_t from = random.below(values.size() + 1);
  const size_t n = random.below(values.size() - from + 1);
  std::vector<double> part(n);
  byte_reader again(e.bytes);
  EXPECT_TRUE(decode_values(again, e.form, values.size(), from, part));
  EXPECT_TRUE(again.at_end());
  EXPECT_EQ(bits_of(part), bits_of(values.subspan(from, n)));
  return e;
}

using generator = std::function<double(random_source&, double before)>;

// A text of `digits` digits somewhere around the decimal point, as a scrape would bring.
double decimal(random_source& random, unsigned digits) {
  std::string text = random.below(4) ? "" : "-";
  const auto point = random.below(digits + 1);
  for (unsigned i = 0; i < digits; ++i) {
    if (i == point)
      text += '.';
    text += static_cast<char>('0' + random.below(10));
  }
  return std::strtod((text + "e0").c_str(), nullptr);
}

const std::vector<generator>& generators() {
  static const std::vector<generator> all = {
      [](auto& r, double) { return std::bit_cast<double>(r.next()); },
      [](auto& r, double) { return decimal(r, static_cast<unsigned>(r.below(18))); },
      [](auto& r, double) { return decimal(r, 3); },
      [](auto& r, double) { return 0x1p53 + static_cast<double>(r.below(16)) - 8; },
      [](auto& r, double) { return -0x1p53 + static_cast<double>(r.below(16)) - 8; },
      [](auto& r, double) { return static_cast<double>(r.next()) * (r.below(2) ? 1 : -1); },
      [](auto& r, double b) { return std::floor(b) + static_cast<double>(r.below(1000)); },
      [](auto& r, double b) { return std::floor(b) + 512 * static_cast<double>(r.below(1000)); },
      [](auto& r, double b) { return std::floor(b * 100 + r.unit() * 500) / 100; },
      [](auto& r, double b) { return std::floor(b * 1000 + r.unit() * 500) * 0.001; },
      [](auto& r, double b) { return b + r.unit() - 0.5; },
      [](auto& r, double b) { return static_cast<double>(static_cast<float>(b + r.unit())); },
      [](auto& r, double b) { return r.below(30) ? b : 0.0; },
      [](auto& r, double) { return static_cast<double>(r.below(10)) * 1e17; },
      [](auto& r, double) {
        return r.below(2)
                   ? std::numeric_limits<double>::denorm_min() * static_cast<double>(r.below(9))
                   : std::numeric_limits<double>::max();
      },
  };
  return all;
}

TEST(value_column, every_double_round_trips_in_whole_and_in_part) {
  seeded_random random(21);
  static constexpr uint64_t odd[] = {stale_nan_bits,     normal_nan_bits,    0x7ff0000000000000,
                                     0xfff0000000000000, 0x8000000000000000, 0xfff8dead00000001,
                                     0x7ff0000000000001, 0xffffffffffffffff};
  for (int round = 0; round < 6000; ++round) {
    const generator& next = generators()[random.below(generators().size())];
    const auto oddities = random.below(4) == 0 ? 1 + random.below(40) : 0;
    std::vector<double> values(1 + random.below(round % 20 ? 200 : 3000));
    double v = std::floor(random.unit() * 1e6);
    for (auto& out : values) {
      v = next(random, std::isfinite(v) && std::fabs(v) < 1e12 ? v : 1);
      out = oddities && random.below(oddities) == 0
                ? std::bit_cast<double>(odd[random.below(std::size(odd))])
                : v;
    }
    const auto hot = round_trip(values, random);
    const auto cold = round_trip(values, random, storage_tier::cold);
    EXPECT_LE(cold.bytes.size(), hot.bytes.size());
    if (HasFailure())
      FAIL() << "round " << round;
  }
}

std::vector<double> series(size_t n, const std::function<double(size_t)>& f) {
  std::vector<double> out;
  for (size_t i = 0; i < n; ++i)
    out.push_back(f(i));
  return out;
}

TEST(value_column, form_and_size_of_common_shapes) {
  seeded_random random(22);
  const auto noise = [&](uint64_t n) { return static_cast<double>(random.below(n)); };
  struct shape {
    const char* name;
    std::vector<double> values;
    value_form form;
    double bits;  // a sample, at most
  };
  double sum = 0, walk = 100, pattern = 0;
  const std::vector<shape> shapes = {
      {"constant", series(480, [](size_t) { return 3.25; }), value_form::constant, 0.2},
      {"line", series(480, [](size_t i) { return 1e9 + 1500.0 * static_cast<double>(i); }),
       value_form::packed, 0.4},
      {"noisy counter", series(480, [&](size_t) { return sum += 1000 + noise(16); }),
       value_form::packed, 5.5},
      {"noise about a level", series(480, [&](size_t) { return 1e6 + noise(256); }),
       value_form::packed, 9.3},
      {"pages of memory", series(480, [&](size_t) { return 4096 * (1e6 + noise(16)); }),
       value_form::packed, 5.5},
      {"hundredths", series(480, [&](size_t) { return (1e4 + noise(16)) / 100; }),
       value_form::packed, 5.5},
      {"products with 0.001", series(480, [&](size_t) { return (1e4 + noise(16)) * 0.001; }),
       value_form::packed, 5.5},
      {"more than a double's integers", series(480, [&](size_t) { return 1e17 * noise(16); }),
       value_form::packed, 5.5},
      {"a rare change", series(480, [&](size_t i) { return i < 300 ? 7.0 : 9.0; }),
       value_form::packed, 0.4},
      {"a stale marker among integers",
       series(480, [&](size_t i) { return i == 200 ? stale_nan() : 1e6 + noise(16); }),
       value_form::patched, 5.6},
      {"a random walk of 16 digits",
       series(480, [&](size_t) { return walk += random.unit() - 0.5; }), value_form::packed, 50},
      {"patterns that stay for two samples",
       series(480,
              [&](size_t i) {
                return i % 2 ? pattern : pattern = std::bit_cast<double>(random.next());
              }),
       value_form::xored, 41},
      {"random bits", series(480, [&](size_t) { return std::bit_cast<double>(random.next()); }),
       value_form::raw, 64},
  };
  for (const auto& s : shapes) {
    const encoded e = round_trip(s.values, random);
    EXPECT_EQ(static_cast<int>(e.form), static_cast<int>(s.form)) << s.name;
    EXPECT_LE(8.0 * static_cast<double>(e.bytes.size()), s.bits * 480) << s.name;
  }
}

TEST(value_column, form_and_size_of_cold_shapes) {
  seeded_random random(25);
  const auto noise = [&](uint64_t n) { return static_cast<double>(random.below(n)); };
  // A bell of about the deviation 0.58 n.
  const auto bell = [&](uint64_t n) { return noise(n) + noise(n) + noise(n) + noise(n); };
  struct shape {
    const char* name;
    std::vector<double> values;
    value_form form;
    double bits;  // a sample, at most
  };
  double sum = 0, walk = 100;
  const std::vector<shape> shapes = {
      {"constant", series(4000, [](size_t) { return 3.25; }), value_form::constant, 0.02},
      {"line", series(4000, [](size_t i) { return 1e9 + 1500.0 * static_cast<double>(i); }),
       value_form::entropy, 0.04},
      {"rare changes", series(4000, [](size_t i) { return static_cast<double>(7 + i / 700); }),
       value_form::entropy, 0.07},
      // log2(0.58 * 100 * sqrt(2 * pi * e)) = 7.9
      {"bell about a level", series(4000, [&](size_t) { return 1e6 + bell(100); }),
       value_form::entropy, 8.05},
      {"bell of a counter", series(4000, [&](size_t) { return sum += 1000 + bell(100); }),
       value_form::entropy, 8.05},
      {"one more than a multiple", series(4000, [&](size_t) { return sum += 1 + 512 * noise(16); }),
       value_form::entropy, 4.2},
      {"a level and rarely another",
       series(4000, [&](size_t) { return random.below(20) ? 0.25 : 17.5; }), value_form::entropy,
       0.35},
      {"stale markers among integers",
       series(4000, [&](size_t i) { return i % 500 == 200 ? stale_nan() : 1e6 + bell(100); }),
       value_form::entropy_patched, 8.4},
      {"a random walk of 16 digits gains too little",
       series(4000, [&](size_t) { return walk += random.unit() - 0.5; }), value_form::packed, 50},
      {"random bits", series(4000, [&](size_t) { return std::bit_cast<double>(random.next()); }),
       value_form::raw, 64},
  };
  for (const auto& s : shapes) {
    const encoded e = round_trip(s.values, random, storage_tier::cold);
    EXPECT_EQ(static_cast<int>(e.form), static_cast<int>(s.form)) << s.name;
    EXPECT_LE(8.0 * static_cast<double>(e.bytes.size()), s.bits * 4000) << s.name;
  }
}

TEST(value_column, exceptions_stay_a_sixteenth) {
  seeded_random random(23);
  const auto form_with = [&](size_t exceptions) {
    const auto values = series(160, [&](size_t i) {
      return i % 5 == 4 && i / 5 < exceptions ? stale_nan() : static_cast<double>(i * 3);
    });
    return round_trip(values, random).form;
  };
  EXPECT_EQ(form_with(10), value_form::patched);
  EXPECT_NE(form_with(11), value_form::patched);
}

TEST(value_column, damage_is_refused_or_read_never_a_crash) {
  seeded_random random(24);
  for (int round = 0; round < 300; ++round) {
    const generator& next = generators()[random.below(generators().size())];
    double v = 1000;
    auto values = series(1 + random.below(200), [&](size_t) {
      v = next(random, std::isfinite(v) && std::fabs(v) < 1e12 ? v : 1);
      return random.below(50) ? v : stale_nan();
    });
    const encoded e =
        round_trip(values, random, round % 2 ? storage_tier::cold : storage_tier::hot);
    std::vector<double> out(values.size());
    for (size_t n = 0; n < e.bytes.size(); ++n) {
      // Of its own length, so that a read behind the end is seen by sanitizers.
      const std::vector<char> cut(e.bytes.begin(), e.bytes.begin() + static_cast<ptrdiff_t>(n));
      byte_reader in({cut.data(), cut.size()});
      ASSERT_FALSE(decode_values(in, e.form, out));
    }
    for (int flips = 0; flips < 100; ++flips) {
      std::string bad = e.bytes;
      bad[random.below(bad.size())] ^= static_cast<char>(1u << random.below(8));
      byte_reader in(bad);
      const bool whole = decode_values(in, e.form, out);
      byte_reader again(bad);
      std::vector<double> part(out.size() / 2);
      ASSERT_EQ(decode_values(again, e.form, out.size(), out.size() - part.size(), part), whole);
    }
  }
}

TEST(value_column, unknown_scales_and_lying_blocks_are_refused) {
  const auto refused = [](std::string bytes, value_form form, size_t count) {
    std::vector<double> out(count);
    byte_reader in(bytes);
    return !decode_values(in, form, out);
  };
  using namespace std::string_literals;
  const auto column = [](uint8_t form) { return std::string(1, static_cast<char>(form)) + "\x02"; };
  EXPECT_FALSE(refused(column(0x20) + "\x00"s, value_form::packed, 3));
  EXPECT_TRUE(refused(column(0x20 | 16) + "\x00"s, value_form::packed, 3));  // scale 16
  EXPECT_TRUE(refused(column(0x20 | 31) + "\x00"s, value_form::packed, 3));
  EXPECT_TRUE(refused(column(0x20) + "\x41"s + std::string(24, 'x'), value_form::packed, 3));
  EXPECT_TRUE(refused(column(0x20) + "\x80\x00\x01"s, value_form::packed, 3));      // no patch
  EXPECT_TRUE(refused(column(0x20) + "\x80\x01\x00\x01"s, value_form::packed, 3));  // of no bits
  EXPECT_TRUE(refused(column(0x20) + "\x80\x01\x01\x03\x01"s, value_form::packed, 3));  // in row 3
  EXPECT_FALSE(refused(column(0x20) + "\x80\x01\x01\x02\x01"s, value_form::packed, 3));
  const auto patched = [&](std::string front) { return front + column(0x20) + "\x00"s; };
  EXPECT_FALSE(refused(patched("\x01\x02" + std::string(8, 'x')), value_form::patched, 3));
  EXPECT_TRUE(refused(patched("\x01\x03" + std::string(8, 'x')), value_form::patched, 3));
  EXPECT_TRUE(refused(patched("\x04"), value_form::patched, 3));
}

}  // namespace
}  // namespace troupe::storage
