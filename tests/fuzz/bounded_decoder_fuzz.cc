// The first byte picks the coding, the rest is a body. Whatever comes, output and budget hold.
#include "pipeline/http/bounded_decoder.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troupe::http;
  if (size == 0)
    return 0;
  constexpr uint64_t limit = 1 << 20;
  auto budget = std::make_shared<byte_budget>(16 << 20);
  {
    auto coding = static_cast<encoding>(data[0] % 5);
    std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
    auto got = bounded_decoder(budget, {limit}).decode(coding, body);
    if (got.ok() && (got->data.size() > limit || budget->used() < got->data.size()))
      std::abort();
  }
  if (budget->used() != 0)
    std::abort();
  return 0;
}
