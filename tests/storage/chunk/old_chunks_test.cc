// Chunks written by the first release must be readable for ever.
#include "storage/base/coding.h"
#include "storage/chunk/chunk.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <fstream>
#include <set>
#include <sstream>

namespace troupe::storage {
namespace {

std::string unhex(std::string_view text) {
  std::string out;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    unsigned byte = 0;
    std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    put_u8(out, static_cast<uint8_t>(byte));
  }
  return out;
}

std::string hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += digits[static_cast<uint8_t>(c) >> 4];
    out += digits[static_cast<uint8_t>(c) & 15];
  }
  return out;
}

// As the lines of old_chunks.txt show samples.
std::string text_of(const sample_columns& c) {
  std::ostringstream out;
  const auto put = [&](timestamp_ms ts, timestamp_ms start, const std::string& value) {
    out << ' ' << ts << ',' << start << ',' << value;
  };
  for (size_t i = 0; i < c.ts.size(); ++i) {
    const auto bits = std::bit_cast<uint64_t>(c.values[i]);
    std::string big_endian;
    for (int byte = 7; byte >= 0; --byte)
      put_u8(big_endian, static_cast<uint8_t>(bits >> (8 * byte)));
    put(c.ts[i], c.start_ts.empty() ? no_start_timestamp : c.start_ts[i], hex(big_endian));
  }
  for (const auto& row : c.histograms) {
    std::string bytes;
    row.value->encode(bytes);
    put(row.ts, row.start_ts, hex(bytes));
  }
  return out.str();
}

TEST(old_chunks, every_form_is_read) {
  std::ifstream file(TROUPE_SOURCE_DIR "/tests/storage/chunk/testdata/old_chunks.txt");
  ASSERT_TRUE(file);
  std::set<int> kinds;
  size_t chunks = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#'))
      continue;
    std::istringstream in(line);
    std::string name, bytes, expected;
    in >> name >> bytes;
    std::getline(in, expected);
    const std::string chunk = unhex(bytes);
    sample_columns out;
    ASSERT_TRUE(decode_chunk(chunk, min_time, max_time, out).ok()) << name;
    EXPECT_EQ(text_of(out), expected) << name;
    kinds.insert(chunk[0] & 0x0f);
    ++chunks;
    // In part, and written anew.
    if (out.ts.empty())
      continue;
    const size_t from = out.ts.size() / 3, to = out.ts.size() - 1;
    sample_columns part, again;
    ASSERT_TRUE(decode_chunk(chunk, out.ts[from], out.ts[to], part).ok());
    ASSERT_TRUE(decode_chunk(encode_chunk(out.ts, out.values, out.start_ts), out.ts[from],
                             out.ts[to], again)
                    .ok());
    EXPECT_EQ(part.ts.size(), to - from + 1);
    EXPECT_EQ(text_of(part), text_of(again)) << name;
  }
  EXPECT_EQ(kinds, (std::set<int>{0, 1, 2, 3, 4, 5, 8, 9}));
  EXPECT_EQ(chunks, 38u);
}

}  // namespace
}  // namespace troupe::storage
