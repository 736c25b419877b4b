// Statistics of a series: any bytes are refused, or are those that encoding gives again or a longer
// form of them.
#include "storage/block/series_stats.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troupe::storage;
  const auto stats = decode_series_stats({reinterpret_cast<const char*>(data), size});
  if (!stats.ok())
    return 0;
  const auto again = decode_series_stats(encode_series_stats(*stats));
  if (!again.ok() || encode_series_stats(*again) != encode_series_stats(*stats))
    abort();
  return 0;
}
