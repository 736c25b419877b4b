// Chunks of Prometheus: any bytes give an error or samples, and those come back from our own
// encoder.
#include "storage/base/check.h"
#include "storage/tsdb/chunk_codec.h"

#include <bit>
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troupe::storage;
  if (size == 0 || size > 1u << 16)
    return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  sample_columns out;
  if (!tsdb::decode_chunk(bytes[0] % 4, bytes.substr(1), out).ok() || out.ts.empty())
    return 0;
  sample_columns again;
  for (size_t i = 0; i < out.ts.size();) {
    const auto e =
        tsdb::encode_floats(std::span(out.ts).subspan(i), std::span(out.values).subspan(i));
    TROUPE_CHECK(tsdb::decode_chunk(static_cast<uint8_t>(e.how), e.data, again).ok());
    i += e.samples;
  }
  TROUPE_CHECK(again.ts == out.ts);
  for (size_t i = 0; i < out.values.size(); ++i)
    TROUPE_CHECK(std::bit_cast<uint64_t>(again.values[i]) ==
                 std::bit_cast<uint64_t>(out.values[i]));
  return 0;
}
