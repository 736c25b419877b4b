// Files of offsets: whatever the bytes, either corruption or offsets that are written and read back
// as they are.
#include "pipeline/topics/offsets.h"
#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/base/hash.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // As they are, and behind a head that holds.
  std::string made = "TRCO\x01";
  troupe::put_u32(made, troupe::crc32c(bytes));
  made += bytes;
  for (const std::string_view in : {bytes, std::string_view(made)}) {
    const auto got = troupe::topics::decode_offsets(in);
    if (!got.ok())
      continue;
    const auto back = troupe::topics::decode_offsets(troupe::topics::encode(*got));
    TROUPE_CHECK(back.ok() && *back == *got);
  }
  return 0;
}
