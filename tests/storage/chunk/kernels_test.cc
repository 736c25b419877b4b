#include "storage/chunk/kernels.h"

#include "storage/base/random.h"
#include "storage/model/sample.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace troupe::storage {
namespace {

using rows = std::array<uint64_t, block_rows>;
using doubles = std::array<double, block_rows>;

uint64_t mask_of(unsigned width) {
  return width == 64 ? ~0ULL : (1ULL << width) - 1;
}

// Mostly `width` bits, some longer ones if asked for.
rows random_rows(random_source& random, unsigned width, bool outliers = false) {
  rows out;
  for (auto& v : out)
    v = random.next() & mask_of(outliers && random.below(12) == 0
                                    ? width + static_cast<unsigned>(random.below(65 - width))
                                    : width);
  return out;
}

double random_double(random_source& random) {
  static constexpr double odd[] = {0.0,
                                   -0.0,
                                   0x1p51,
                                   -0x1p51,
                                   0x1p53,
                                   0x1p63,
                                   -0x1p63,
                                   0x1p64,
                                   std::numeric_limits<double>::infinity(),
                                   -std::numeric_limits<double>::infinity(),
                                   std::numeric_limits<double>::denorm_min(),
                                   std::numeric_limits<double>::max()};
  switch (random.below(7)) {
    case 0:
      return odd[random.below(std::size(odd))];
    case 1:
      return std::bit_cast<double>(random.next());
    case 2:
      return static_cast<double>(static_cast<int64_t>(random.next()) >> random.below(64));
    case 3:
      return random.below(2) ? stale_nan() : std::bit_cast<double>(0xfff8dead00000001);
    case 4:
      return static_cast<double>(random.below(1u << 30)) * tenths[random.below(15)];
    default:
      return static_cast<double>(static_cast<int64_t>(random.next() >> 13)) /
             powers_of_ten[random.below(15)];
  }
}

std::vector<uint64_t> bits_of(std::span<const double> values) {
  std::vector<uint64_t> out;
  for (const double v : values)
    out.push_back(std::bit_cast<uint64_t>(v));
  return out;
}

class kernels_of_a_set : public testing::TestWithParam<const kernel_set*> {
 protected:
  const kernel_set& set = *GetParam();
  seeded_random random{11};
};

TEST_P(kernels_of_a_set, pack_and_unpack_every_width) {
  for (unsigned width = 0; width <= 64; ++width)
    for (int round = 0; round < 20; ++round) {
      const rows in = random_rows(random, 64);
      std::vector<uint8_t> bytes(8 * width + unpack_slack, 0xa5), expected = bytes;
      set.pack(in.data(), width, bytes.data());
      scalar_kernels.pack(in.data(), width, expected.data());
      ASSERT_EQ(bytes, expected) << width;
      rows out;
      set.unpack(bytes.data(), width, out.data());
      for (size_t i = 0; i < block_rows; ++i)
        ASSERT_EQ(out[i], in[i] & mask_of(width)) << width << ' ' << i;
    }
}

TEST_P(kernels_of_a_set, bits_lie_low_first) {
  rows in;
  for (size_t i = 0; i < block_rows; ++i)
    in[i] = i % 8;
  std::array<uint8_t, 24> bytes;
  set.pack(in.data(), 3, bytes.data());
  // 0, 1, 2, … in threes: 7 6 5 4 3 2 1 0 read from the high end.
  EXPECT_EQ(bytes[0], 0b10'001'000);
  EXPECT_EQ(bytes[1], 0b1'100'011'0);
  EXPECT_EQ(bytes[2], 0b111'110'10);
}

TEST_P(kernels_of_a_set, residuals_restore_their_rows) {
  constexpr size_t blocks = 3;
  for (int round = 0; round < 400; ++round) {
    std::array<uint64_t, 2 + blocks * block_rows> cells;
    for (auto& c : cells)
      c = random.next() >> (round % 60);
    const auto order = static_cast<packed_order>(round % 4);
    const uint64_t slope = random.next() >> random.below(64);
    const uint64_t factor = round % 3 ? random.next() >> random.below(64) : 1;
    const uint64_t* in = cells.data() + 2;
    restore_rule rule{order, slope, factor};
    restore_state state{order == packed_order::direct ? slope * factor : in[-1] * factor,
                        in[-1] - in[-2]};
    for (size_t b = 0; b < blocks; ++b) {
      rows residuals, expected;
      set.residuals(in + b * block_rows, order, slope, residuals.data());
      scalar_kernels.residuals(in + b * block_rows, order, slope, expected.data());
      ASSERT_EQ(residuals, expected);
      set.restore(residuals.data(), rule, state);
      for (size_t i = 0; i < block_rows; ++i)
        ASSERT_EQ(residuals[i], in[b * block_rows + i] * factor) << round << ' ' << i;
    }
  }
}

TEST_P(kernels_of_a_set, surveys_as_the_scalar_set) {
  for (int round = 0; round < 2000; ++round) {
    std::vector<uint64_t> in(1 + random.below(100));
    const auto shift = random.below(64);
    for (size_t i = 0; i < in.size(); ++i)
      in[i] = i > 0 && random.below(3) == 0 ? in[i - 1] : random.next() >> shift;
    if (round % 50 == 0)
      in = {1ULL << 63, 0, 1ULL << 63, ~0ULL, 0, 0, 0, 0, 0, 0, 0, 0};
    const column_survey got = set.survey(in.data(), in.size()),
                        expected = scalar_kernels.survey(in.data(), in.size());
    ASSERT_EQ(got.any, expected.any);
    ASSERT_EQ(got.changes, expected.changes);
    ASSERT_EQ(got.difference, expected.difference);
    ASSERT_EQ(got.least, expected.least);
    ASSERT_EQ(got.greatest, expected.greatest);
  }
}

TEST_P(kernels_of_a_set, width_is_the_cheapest) {
  for (int round = 0; round < 2000; ++round) {
    const rows in = random_rows(random, static_cast<unsigned>(random.below(65)), round % 2);
    const auto n = 1 + static_cast<unsigned>(random.below(block_rows));
    const width_choice got = set.choose_width(in.data(), n);
    unsigned longest = 0;
    for (unsigned i = 0; i < n; ++i)
      longest = std::max(longest, static_cast<unsigned>(std::bit_width(in[i])));
    unsigned best = (n * longest + 7) / 8;
    for (unsigned w = 0; w < longest; ++w) {
      unsigned patches = 0;
      for (unsigned i = 0; i < n; ++i)
        patches += static_cast<unsigned>(std::bit_width(in[i])) > w;
      if (patches <= max_patches)
        best = std::min(best, (n * w + 7) / 8 + 2 + patches + (patches * (longest - w) + 7) / 8);
      if (w == got.width) {
        ASSERT_EQ(got.patches, patches);
      }
    }
    ASSERT_EQ(got.bytes, best);
    ASSERT_EQ(got.width + got.high, longest);
    const width_choice expected = scalar_kernels.choose_width(in.data(), n);
    ASSERT_EQ(got.width, expected.width);
    ASSERT_EQ(got.patches, expected.patches);
  }
}

TEST_P(kernels_of_a_set, doubles_and_integers_as_the_scalar_set) {
  for (int round = 0; round < 4000; ++round) {
    const auto scale = static_cast<value_scale>(random.below(31));
    if (!is_scale(scale))
      continue;
    doubles in, out, expected_out;
    for (auto& v : in)
      v = random_double(random);
    rows integers, expected;
    const uint64_t bad = set.to_integers(in.data(), scale, integers.data());
    ASSERT_EQ(bad, scalar_kernels.to_integers(in.data(), scale, expected.data())) << int{scale};
    ASSERT_EQ(integers, expected) << int{scale};
    set.to_doubles(integers.data(), scale, out.data());
    for (size_t i = 0; i < block_rows; ++i)
      if (!(bad >> i & 1)) {
        ASSERT_EQ(std::bit_cast<uint64_t>(out[i]), std::bit_cast<uint64_t>(in[i]));
      }
    // Whatever integers damage may bring.
    integers = random_rows(random, static_cast<unsigned>(random.below(65)));
    set.to_doubles(integers.data(), scale, out.data());
    scalar_kernels.to_doubles(integers.data(), scale, expected_out.data());
    ASSERT_EQ(bits_of(out), bits_of(expected_out)) << int{scale};
  }
}

TEST_P(kernels_of_a_set, folds_as_the_scalar_set) {
  for (int round = 0; round < 3000; ++round) {
    std::vector<double> in(1 + random.below(100));
    for (auto& v : in) {
      do
        v = random_double(random);
      while (std::isnan(v) && round % 4);
      if (round % 3 == 0)
        v = std::round(random.unit() * 100);
    }
    ASSERT_EQ(set.count_resets(in.data(), in.size()),
              scalar_kernels.count_resets(in.data(), in.size()));
    column_fold got, expected;
    set.fold(in.data(), in.size(), got);
    scalar_kernels.fold(in.data(), in.size(), expected);
    ASSERT_EQ(got.nan, expected.nan);
    if (expected.nan)
      continue;
    const auto all = [](const column_fold& f) {
      // An infinite sum leaves a NaN of no certain sign.
      const double compensation = std::isnan(f.compensation) ? 0 : f.compensation;
      return bits_of(std::array{f.min, f.max, f.sum, compensation, f.reset_sum});
    };
    if (!std::isnan(expected.sum)) {
      ASSERT_EQ(all(got), all(expected));
    }
    ASSERT_EQ(got.resets, expected.resets);
  }
}

INSTANTIATE_TEST_SUITE_P(usable, kernels_of_a_set,
                         testing::ValuesIn(usable_kernels().begin(), usable_kernels().end()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST(kernels, the_last_usable_set_is_used) {
  EXPECT_EQ(usable_kernels().front(), &scalar_kernels);
  EXPECT_EQ(&kernels(), usable_kernels().back());
}

}  // namespace
}  // namespace troupe::storage
