// Recordings of exporters: any bytes give a recording or an error.
#include "pipeline/bench/recording.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto got = troupe::bench::decode_recording({reinterpret_cast<const char*>(data), size});
  if (!got.ok())
    return 0;
  for (const auto& c : got->columns)
    if (c.integers.size() + c.doubles.size() != got->rows)
      __builtin_trap();
  return 0;
}
