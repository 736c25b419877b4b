// Steps between decimals: every value comes back bit by bit, forwards and backwards.
#include "storage/wal/decimal_step.h"

#include "storage/base/random.h"
#include "storage/wal/frame_encoder.h"
#include "storage/wal/stream_decoder.h"
#include "tests/storage/wal/wal_kit.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace troupe::storage {
namespace {

uint64_t bits_of(double v) {
  return std::bit_cast<uint64_t>(v);
}

/// A value as exporters make them, or an odd one.
double some_value(seeded_random& random) {
  constexpr double odd[] = {0.0,
                            -0.0,
                            0x1p49,
                            0x1p52,
                            0x1p-1074,
                            1e300,
                            562'949.953421311,
                            -1e9,
                            std::numeric_limits<double>::infinity()};
  switch (random.below(8)) {
    case 0:
      return odd[random.below(std::size(odd))];
    case 1:
      return std::bit_cast<double>(random.next());
    default: {
      const double sign = random.below(2) ? 1 : -1;
      const auto integer = static_cast<double>(random.next() >> (11 + random.below(53)));
      return sign * integer / std::pow(10, static_cast<double>(random.below(11)));
    }
  }
}

/// As if each value followed the one before it.
float_columns columns_of(const std::vector<uint64_t>& values) {
  float_columns c;
  uint64_t before = 0;
  for (uint64_t v : values) {
    c.index.push_back(0);
    c.ts.push_back(1000);
    c.stale.push_back(0);
    c.xors.push_back(v ^ before);
    before = v;
  }
  use_decimal_steps(c, values);
  return c;
}

TEST(decimal_step, goes_both_ways) {
  seeded_random random(1);
  size_t used = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<uint64_t> values;
    for (int i = 0; i < 50; ++i) {
      double v = some_value(random);
      if (random.below(2) != 0 && !values.empty())
        v = std::bit_cast<double>(values.back()) + static_cast<double>(random.below(1000)) / 100;
      values.push_back(bits_of(v));
    }
    const auto c = columns_of(values);
    uint64_t before = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      if (c.forms[i] == 0) {
        ASSERT_EQ(c.xors[i], values[i] ^ before);
      } else {
        ASSERT_EQ(step_forward(before, c.forms[i], c.xors[i]), values[i]);
        ASSERT_EQ(step_backward(values[i], c.forms[i], c.xors[i]), before);
        ++used;
      }
      before = values[i];
    }
    std::string bytes;
    put_floats(c, 1000, bytes);
    float_columns back;
    ASSERT_TRUE(read_floats(bytes, 1000, back));
    ASSERT_EQ(back.xors, c.xors);
    if (!back.forms.empty()) {
      ASSERT_EQ(back.forms, c.forms);
    }
    for (size_t n = 0; round % 100 == 0 && n < bytes.size(); ++n)
      ASSERT_FALSE(read_floats(std::string_view(bytes).substr(0, n), 1000, back));
  }
  EXPECT_GT(used, 10'000u);
}

TEST(decimal_step, stands_for_hundredths_in_a_byte) {
  const auto c = columns_of({bits_of(123'456.78), bits_of(123'456.91)});
  EXPECT_NE(c.forms[1], 0);
  EXPECT_EQ(c.xors[1], 26u);
}

TEST(decimal_step, of_other_values_is_none) {
  const auto nan = normal_nan_bits;
  const auto c = columns_of({bits_of(M_PI), bits_of(M_E), nan, bits_of(1.5), nan, bits_of(-0.0),
                             bits_of(0x1p60), bits_of(0x1p60 + 4096)});
  for (uint8_t form : c.forms)
    EXPECT_EQ(form, 0);
}

TEST(decimal_step, from_what_is_no_decimal_leads_nowhere) {
  for (uint64_t from : {normal_nan_bits, bits_of(M_PI), bits_of(1e300), bits_of(-0.0)})
    for (int form = 0; form < 256; ++form) {
      EXPECT_EQ(step_forward(from, static_cast<uint8_t>(form), 5), from);
      EXPECT_EQ(step_backward(from, static_cast<uint8_t>(form), ~0ULL), from);
    }
}

TEST(decimal_step, of_any_size_is_taken) {
  for (uint64_t step : std::vector<uint64_t>{1ULL << 63, ~0ULL, ~1ULL})
    for (uint8_t form = 1; form <= decimal_forms; ++form) {
      step_forward(bits_of(0x1p48), form, step);
      step_backward(bits_of(-0x1p48), form, step);
    }
}

// The form may stand only where the flag announces it: the log has none.
TEST(decimal_step, without_the_flag_is_malformed) {
  const auto c = columns_of({bits_of(123'456.78), bits_of(123'456.91)});
  std::string bytes;
  put_floats(c, 1000, bytes);
  bytes[0] = static_cast<char>(bytes[0] & 3);
  float_columns back;
  EXPECT_FALSE(read_floats(bytes, 1000, back));
}

TEST(decimal_step, frames_come_back_over_a_gap) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    seeded_random random(seed);
    frame_encoder encoder({.key_frame_interval = 8, .decimal_steps = true});
    std::vector<labels> series;
    for (int i = 0; i < 20; ++i)
      series.push_back(
          make_series({{"__name__", "m" + std::to_string(i)}, {"instance", "a"}, {"job", "b"}}));
    const auto table = table_of(series);
    std::vector<double> values(series.size());
    log_content all, lost;
    const size_t missing = 1 + random.below(30);
    collector got;
    wal_report report;
    stream_decoder decoder(std::bitset<slot_count>().set(), report);
    for (size_t step = 0; step < 41; ++step) {
      for (double& v : values)
        v = random.below(4) == 0 ? some_value(random)
                                 : v + static_cast<double>(random.below(10'000)) / 1000;
      const auto b = simple_batch(table, static_cast<timestamp_ms>(1000 * step), values);
      encoded_frames out;
      ASSERT_TRUE(encoder.append(b, {}, out).ok());
      encoder.commit();
      (step == missing ? lost : all).add(b);
      frame f;
      ASSERT_EQ(check_frame(out.frames, f), frame_state::intact);
      if (step != missing) {
        ASSERT_TRUE(decoder.apply(f, got).ok());
      }
    }
    ASSERT_TRUE(decoder.end_run(got).ok());
    EXPECT_EQ(got.content.samples, all.samples);
    EXPECT_EQ(report.samples_lost, 0u);
  }
}

}  // namespace
}  // namespace troupe::storage
