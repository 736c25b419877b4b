#include "storage/base/hash.h"

#include "storage/base/random.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

// Bit by bit, straight from the polynomial.
uint32_t slow_crc32c(std::string_view data) {
  uint32_t c = ~0u;
  for (const char b : data) {
    c ^= static_cast<uint8_t>(b);
    for (int k = 0; k < 8; ++k)
      c = (c >> 1) ^ ((c & 1) ? 0x82f63b78u : 0);
  }
  return ~c;
}

TEST(crc32c, rfc_3720_vectors) {
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
}

TEST(crc32c, both_forms_agree_with_the_definition_at_every_length_and_cut) {
  seeded_random random(3);
  std::string data;
  for (int n = 0; n < 200; ++n) {
    const auto want = slow_crc32c(data);
    EXPECT_EQ(crc32c(data), want);
    EXPECT_EQ(crc32c_portable(data), want);
    const auto cut = random.below(data.size() + 1);
    EXPECT_EQ(crc32c(data.substr(cut), crc32c(data.substr(0, cut))), want);
    data.push_back(static_cast<char>(random.next()));
  }
}

// Slots on disk depend on these values.
TEST(xxh64, fixed_values) {
  EXPECT_EQ(xxh64(""), 0xef46db3751d8e999ULL);
  EXPECT_EQ(xxh64("a"), 0xd24ec4f1a98c6e5bULL);
}

TEST(xxh3, fixed_values) {
  EXPECT_EQ(xxh3(""), 0x2d06800538d394c2ULL);
  EXPECT_EQ(xxh3("", 1), 0x4dc5b0cc826f6703ULL);
  EXPECT_NE(xxh3("a"), xxh3("a", 1));
}

}  // namespace
}  // namespace troupe
