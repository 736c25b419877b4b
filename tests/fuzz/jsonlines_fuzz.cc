// Imports of JSON lines: any bytes give batches, and the same when series are known.
#include "pipeline/jsonlines/decode.h"
#include "tests/fuzz/decoded_write_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troupe;
  const manual_clock clk;
  remote::series_cache known({}, clk);
  jsonlines::request request;
  request.lines = {reinterpret_cast<const char*>(data), size};
  request.extra_labels = {{"dc", "eu"}};
  uint64_t samples[2] = {0, 0}, refused[2] = {0, 0};
  for (int round = 0; round < 2; ++round) {
    const auto got = jsonlines::decode(request, known);
    if (!got.ok())
      return 0;
    samples[round] = fuzz::check_decoded(*got);
    refused[round] = got->refused_count() + got->samples_of_refused_series;
  }
  fuzz::require(samples[0] == samples[1] && refused[0] == refused[1]);
  return 0;
}
