// Any bytes as a promqltest script: an error or commands.
#include "query/promqltest/runner.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troupe::query;
  const auto s = parse_script("fuzz", std::string_view(reinterpret_cast<const char*>(data), size));
  if (s.ok())
    (void)plan_script(*s).evals.size();
  return 0;
}
