// Remote-write requests: any bytes give a batch or an error.
#include "pipeline/remote/write_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto got = troupe::remote::decode_write({reinterpret_cast<const char*>(data), size});
  if (got.ok() && got->batch) {
    for (const auto& e : got->batch->floats) {
      if (e.series >= got->batch->table->series.size())
        __builtin_trap();
    }
  }
  return 0;
}
