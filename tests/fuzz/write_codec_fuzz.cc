// Remote-write requests: any bytes give a batch or an error.
#include "pipeline/remote/write_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const troupe::manual_clock clk;
  troupe::remote::series_cache known({}, clk);
  // The second time all series are known, the third time also which one comes behind another.
  uint64_t refused[3] = {0, 0, 0}, samples[3] = {0, 0, 0};
  for (int round = 0; round < 3; ++round) {
    auto got = troupe::remote::decode_write({reinterpret_cast<const char*>(data), size}, known);
    if (!got.ok())
      return 0;
    refused[round] = got->refused_count() + got->samples_of_refused_series;
    for (const auto& b : got->batches) {
      samples[round] += b->sample_count() + b->exemplars.size();
      for (const auto& e : b->floats)
        if (e.series >= b->table->series.size())
          __builtin_trap();
    }
  }
  for (int round = 1; round < 3; ++round)
    if (refused[round] != refused[0] || samples[round] != samples[0])
      __builtin_trap();
  return 0;
}
