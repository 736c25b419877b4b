// Cursor files of remote write: whatever the bytes, either corruption or a cursor that is written
// and read back as it is.
#include "pipeline/send/cursor_file.h"
#include "storage/base/check.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const auto& got :
       {troupe::send::decode_cursor(bytes), troupe::send::read_cursor_file(bytes)}) {
    if (!got.ok())
      continue;
    const auto back = troupe::send::decode_cursor(troupe::send::encode(*got));
    TROUPE_CHECK(back.ok() && *back == *got);
  }
  (void)troupe::send::decode_advances(bytes);
  return 0;
}
