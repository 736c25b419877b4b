// A chunk of the head behind a column of timestamps, both with right checksums: whatever is
// accepted has as many values as timestamps, in order.
#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/base/hash.h"
#include "storage/head/head_chunk.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace {

std::string framed(std::string_view body) {
  std::string rest, out;
  troupe::put_bytes(rest, body);
  troupe::put_u32(out, troupe::crc32c(rest));
  return out + rest;
}

}  // namespace

// Input: length of the column's body u8, that body, the chunk's body.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troupe;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty())
    return 0;
  const size_t n = std::min<size_t>(data[0], size - 1);
  const std::string column = framed(input.substr(1, n));
  const std::string region = column + framed(input.substr(1 + n));
  constexpr storage::chunk_position begin = 1000;
  storage::stored_chunk c;
  if (!storage::parse_chunk(region, begin, begin + column.size(), c))
    return 0;
  TROUPE_CHECK(c.previous < c.position);
  storage::sample_columns out;
  if (!storage::decode_stored_chunk(c, min_time, max_time, out).ok()) {
    TROUPE_CHECK(out.ts.empty() && out.values.empty() && out.histograms.empty());
    return 0;
  }
  TROUPE_CHECK(out.ts.size() == out.values.size());
  TROUPE_CHECK(std::adjacent_find(out.ts.begin(), out.ts.end(), std::greater_equal<>()) ==
               out.ts.end());
  return 0;
}
