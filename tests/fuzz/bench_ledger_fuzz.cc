// Ledgers of write benches: any bytes give a ledger or an error.
#include "pipeline/bench/ledger.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto got = troupe::bench::parse_ledger({reinterpret_cast<const char*>(data), size});
  if (got.ok() && got->requests.size() != got->header.shape.groups(got->header.fleet) *
                                              got->header.shape.chunks(got->header.fleet))
    __builtin_trap();
  return 0;
}
