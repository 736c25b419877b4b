// Remote-write requests: any bytes give a batch or an error.
#include "pipeline/remote/write_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const troupe::manual_clock clk;
  troupe::remote::series_cache known({}, clk);
  // Twice: the second time all series are known.
  uint64_t refused[2] = {0, 0}, samples[2] = {0, 0};
  for (int round = 0; round < 2; ++round) {
    auto got = troupe::remote::decode_write({reinterpret_cast<const char*>(data), size}, known);
    if (!got.ok())
      return 0;
    refused[round] = got->refused_series;
    for (const auto& b : got->batches) {
      samples[round] += b->sample_count() + b->exemplars.size();
      for (const auto& e : b->floats)
        if (e.series >= b->table->series.size())
          __builtin_trap();
    }
  }
  if (refused[0] != refused[1] || samples[0] != samples[1])
    __builtin_trap();
  return 0;
}
