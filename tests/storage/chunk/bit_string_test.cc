#include "storage/chunk/bit_string.h"

#include "storage/base/random.h"

#include <gtest/gtest.h>

#include <vector>

namespace troupe::storage {
namespace {

struct field {
  uint64_t value;
  unsigned width;
};

std::vector<field> random_fields(random_source& random, unsigned widest) {
  std::vector<field> out(random.below(200));
  for (auto& f : out) {
    f.width = static_cast<unsigned>(random.below(widest + 1));
    f.value = f.width == 0 ? 0 : random.next() >> (64 - f.width);
  }
  return out;
}

TEST(bit_string, fields_come_back_and_the_end_is_known) {
  seeded_random random(1);
  for (int round = 0; round < 500; ++round) {
    const auto fields = random_fields(random, 64);
    std::string bytes = "x";
    bit_writer out(bytes);
    size_t bits = 0;
    for (const auto& f : fields) {
      out.put(f.value, f.width);
      bits += f.width;
    }
    out.finish();
    ASSERT_EQ(bytes.size(), 1 + (bits + 7) / 8);
    // Of its own length, so that a read behind the end is seen by sanitizers.
    const std::vector<char> copy(bytes.begin() + 1, bytes.end());
    const std::string_view view(copy.data(), copy.size());
    bit_source in(view, view);
    for (const auto& f : fields)
      ASSERT_EQ(in.take(f.width), f.value);
    EXPECT_TRUE(in.at_end());
    EXPECT_FALSE(in.overrun());
    EXPECT_EQ(in.take(64) >> 7, 0u);
    EXPECT_TRUE(in.overrun());
  }
}

TEST(bit_string, many_fields_at_once_are_the_same) {
  seeded_random random(2);
  for (int round = 0; round < 500; ++round) {
    const auto fields = random_fields(random, bit_source::fast_width);
    std::string bytes;
    bit_writer out(bytes);
    size_t bits = 0;
    for (const auto& f : fields) {
      out.put(f.value, f.width);
      bits += f.width;
    }
    out.finish();
    const size_t size = bytes.size();
    bytes.append(random.below(12), 'x');
    const std::vector<char> copy(bytes.begin(), bytes.end());
    bit_source in({copy.data(), size}, {copy.data(), copy.size()});
    EXPECT_FALSE(in.has(8 * size + 1));
    if (!in.has(bits)) {
      EXPECT_LT(copy.size(), bits / 8 + 8);
      continue;
    }
    in.take_each(
        fields.size(), [&](size_t i) { return fields[i].width; },
        [&](size_t i, uint64_t v) { EXPECT_EQ(v, fields[i].value); });
    EXPECT_TRUE(in.at_end());
  }
}

}  // namespace
}  // namespace troupe::storage
