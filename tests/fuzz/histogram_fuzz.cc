// Histogram bytes and label blobs: whatever is accepted must encode back to an equal value.
#include "storage/base/check.h"
#include "storage/model/histogram.h"
#include "storage/model/labels.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto h = troupe::histogram::decode(bytes); h.ok()) {
    std::string out;
    h->encode(out);
    const auto again = troupe::histogram::decode(out);
    TROUPE_CHECK(again.ok() && *again == *h);
  }
  troupe::labels set;
  if (troupe::labels::from_blob(bytes, set)) {
    TROUPE_CHECK(set.blob() == bytes);
    const troupe::labels packed = set.packed();
    TROUPE_CHECK(packed == set && set == packed && (packed <=> set) == 0 && packed.blob() == bytes);
  }
  return 0;
}
