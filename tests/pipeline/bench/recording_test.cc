#include "pipeline/bench/recording.h"

#include "storage/base/coding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace troupe::bench {
namespace {

constexpr std::string_view text = "# TYPE a counter\na{x=\"1\"}\nb\n";

std::string header(uint32_t rows, uint32_t series, std::string_view body = text) {
  std::string out = "troupe-recording 1\n";
  for (const uint32_t n : {rows, series, 2500U, static_cast<uint32_t>(body.size())})
    put_u32(out, n);
  return out + std::string(body);
}

std::string two_columns() {
  std::string out = header(3, 2);
  put_u8(out, 2);
  for (const int64_t d : {101, -1, 5})
    put_svarint(out, d);
  put_u8(out, 255);
  for (const double v : {1.0 / 3, std::numeric_limits<double>::infinity(), -0.0})
    put_fixed(out, v);
  return out;
}

TEST(Recording, ReadsIntegersAndDoubles) {
  auto r = decode_recording(two_columns());
  ASSERT_TRUE(r.ok()) << r.error().to_string();
  EXPECT_EQ(r->rows, 3u);
  EXPECT_EQ(r->interval_ms, 2500);
  EXPECT_EQ(r->text, text);
  ASSERT_EQ(r->columns.size(), 2u);
  EXPECT_EQ(r->columns[0].value_of(r->columns[0].integers[2]), 1.05);
  EXPECT_EQ(r->columns[1].doubles[0], 1.0 / 3);
  EXPECT_TRUE(std::signbit(r->columns[1].doubles[2]));
}

// node_exporter's own values that a quotient cannot give.
TEST(Recording, RoundsAsTheExporterDid) {
  recorded_column c;
  c.decimals = 3;
  c.made = recorded_column::form::product;
  EXPECT_EQ(c.value_of(351'030), 351.03000000000003);
  c.decimals = 6;
  c.made = recorded_column::form::steps;
  EXPECT_EQ(c.value_of(21'708'758), 21.708758000000003);
}

TEST(Recording, EveryCutAndEveryForeignByteIsAnError) {
  const auto whole = two_columns();
  for (size_t n = 0; n < whole.size(); ++n)
    EXPECT_EQ(decode_recording(std::string_view(whole).substr(0, n)).code(), errc::corruption) << n;
  EXPECT_EQ(decode_recording(whole + "x").code(), errc::corruption);
  EXPECT_EQ(decompress_recording(whole).ok(), false);
}

TEST(Recording, RefusesWhatItCannotHold) {
  EXPECT_FALSE(decode_recording(header(0xffffffff, 2)).ok());
  EXPECT_FALSE(decode_recording(header(3, 3)).ok());
  EXPECT_FALSE(decode_recording(header(3, 0, "# HELP a b\n")).ok());
  EXPECT_FALSE(decode_recording(header(3, 1, "a")).ok());
  auto bytes = header(2, 1, "a\n");
  put_u8(bytes, 0);
  put_svarint(bytes, 1LL << 53);
  put_svarint(bytes, 0);
  EXPECT_FALSE(decode_recording(bytes).ok()) << "an integer that no double holds";
  bytes = header(2, 1, "a\n");
  put_u8(bytes, 96);
  put_svarint(bytes, 1);
  put_svarint(bytes, 0);
  EXPECT_FALSE(decode_recording(bytes).ok()) << "an unknown kind";
}

TEST(Recording, TheBuiltInOneIsLongAndSmall) {
  EXPECT_LT(embedded_recording().size(), 2U << 20);
  auto r = decompress_recording(embedded_recording());
  ASSERT_TRUE(r.ok()) << r.error().to_string();
  EXPECT_GE(r->rows, 500u);
}

}  // namespace
}  // namespace troupe::bench
