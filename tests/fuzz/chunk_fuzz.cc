// Chunk bytes: whatever is accepted has as many values as timestamps, in order, encodes to bytes
// that decode to the same, and gives in part what it gives in whole.
#include "storage/base/check.h"
#include "storage/chunk/chunk.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troupe;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  storage::sample_columns c;
  if (!storage::decode_chunk(bytes, min_time, max_time, c).ok()) {
    TROUPE_CHECK(c.ts.empty() && c.values.empty() && c.start_ts.empty() && c.histograms.empty());
    return 0;
  }
  TROUPE_CHECK(c.ts.size() == c.values.size());
  const auto summary = storage::summarize_chunk(bytes);
  TROUPE_CHECK(summary.ok() && summary->samples == c.ts.size() + c.histograms.size());
  for (const auto tier : {storage::storage_tier::hot, storage::storage_tier::cold}) {
    storage::sample_columns again;
    const std::string encoded = c.histograms.empty()
                                    ? storage::encode_chunk(c.ts, c.values, c.start_ts, tier)
                                    : storage::encode_histogram_chunk(c.histograms);
    TROUPE_CHECK(storage::decode_chunk(encoded, min_time, max_time, again).ok());
    TROUPE_CHECK(again.ts == c.ts && again.histograms.size() == c.histograms.size());
    TROUPE_CHECK(c.values.empty() ||
                 std::memcmp(again.values.data(), c.values.data(), c.values.size() * 8) == 0);
  }
  if (!c.ts.empty()) {
    const size_t from = c.ts.size() / 3, to = c.ts.size() - c.ts.size() / 4;
    storage::sample_columns part;
    TROUPE_CHECK(storage::decode_chunk(bytes, c.ts[from], c.ts[to - 1], part).ok());
    TROUPE_CHECK(part.ts.size() == to - from && part.values.size() == to - from);
    TROUPE_CHECK(std::memcmp(part.values.data(), c.values.data() + from, (to - from) * 8) == 0);
  }
  return 0;
}
