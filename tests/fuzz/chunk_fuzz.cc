// Chunk bytes: whatever is accepted has as many values as timestamps, in order, encodes to bytes
// that decode to the same, and gives in part what it gives in whole. Chunks that are told by others
// get a base that fits.
#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/chunk/chunk.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace {

using namespace troupe;

storage::chunk_window base_window(size_t samples, size_t from, size_t to) {
  storage::chunk_window out;
  out.samples = samples;
  out.from = from;
  for (size_t i = from; i < to; ++i) {
    out.columns.ts.push_back(static_cast<timestamp_ms>(i));
    out.columns.values.push_back(i % 16 == 7 ? stale_nan() : static_cast<double>(i * i));
  }
  return out;
}

void try_linked(std::string_view bytes) {
  byte_reader in(bytes.substr(1));
  const size_t n = in.varint();
  TROUPE_CHECK(n > 0 && n <= storage::max_chunk_samples);
  const auto base = base_window(n, 0, n), some = base_window(n, n / 3, n - n / 4);
  storage::chunk_window all, part;
  if (!storage::decode_window(bytes, min_time, max_time, &base, all).ok()) {
    TROUPE_CHECK(all.columns.values.empty());
    return;
  }
  TROUPE_CHECK(all.columns.ts == base.columns.ts && all.columns.values.size() == n);
  TROUPE_CHECK(storage::decode_window(bytes, min_time, max_time, &some, part).ok());
  const size_t size = part.columns.values.size() * sizeof(double);
  TROUPE_CHECK(part.columns.ts == some.columns.ts &&
               part.columns.values.size() == some.columns.ts.size());
  TROUPE_CHECK(size == 0 || std::memcmp(part.columns.values.data(),
                                        all.columns.values.data() + n / 3, size) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto link = storage::link_of(bytes); link.ok() && *link)
    try_linked(bytes);
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
