#include "storage/base/coding.h"

#include "storage/base/compress.h"
#include "storage/base/random.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

TEST(coding, round_trips_integers) {
  seeded_random random(1);
  std::vector<uint64_t> values{0, 1, 127, 128, 16383, 16384, UINT64_MAX, 1ULL << 63};
  for (int i = 0; i < 1000; ++i)
    values.push_back(random.next() >> random.below(64));
  std::string out;
  for (const auto v : values) {
    put_varint(out, v);
    put_svarint(out, static_cast<int64_t>(v));
    put_u64(out, v);
  }
  byte_reader in(out);
  for (const auto v : values) {
    EXPECT_EQ(in.varint(), v);
    EXPECT_EQ(in.svarint(), static_cast<int64_t>(v));
    EXPECT_EQ(in.u64(), v);
  }
  EXPECT_TRUE(in.at_end());
  EXPECT_FALSE(in.failed());
}

TEST(coding, a_cut_or_overlong_varint_fails_and_stays_failed) {
  for (const std::string& bytes :
       {std::string("\x80"), std::string(11, '\x80'), std::string(9, '\xff') + "\x02"}) {
    byte_reader in(bytes);
    EXPECT_EQ(in.varint(), 0u);
    EXPECT_TRUE(in.failed());
    EXPECT_EQ(in.u8(), 0);
  }
}

TEST(coding, bytes_never_reach_past_the_end) {
  std::string out;
  put_varint(out, UINT64_MAX);
  out += "abc";
  byte_reader in(out);
  EXPECT_EQ(in.bytes(), "");
  EXPECT_TRUE(in.failed());
}

TEST(lz4, round_trips_and_refuses_lies) {
  seeded_random random(2);
  for (const size_t n : {size_t{0}, size_t{1}, size_t{100}, size_t{100'000}}) {
    std::string raw;
    for (size_t i = 0; i < n; ++i)
      raw.push_back(static_cast<char>(random.below(4)));
    const auto packed = lz4_compress(raw);
    const auto back = lz4_decompress(packed, n);
    ASSERT_TRUE(back.ok()) << back.error().to_string();
    EXPECT_EQ(*back, raw);
    EXPECT_EQ(lz4_decompress(packed, n + 1).code(), errc::corruption);
    EXPECT_EQ(lz4_decompress(packed, 1 << 20, 1000).code(), errc::resource_exhausted);
    if (n > 1) {
      EXPECT_EQ(lz4_decompress(packed.substr(0, packed.size() / 2), n).code(), errc::corruption);
    }
  }
  EXPECT_EQ(lz4_decompress("abc", 200u << 20).code(), errc::corruption);
}

}  // namespace
}  // namespace troupe
