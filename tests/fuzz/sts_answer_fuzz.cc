// Answers of AWS' token service from anywhere. Credentials are whole or not there at all.
#include "pipeline/credentials/sts.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using troupe::credentials::parse_sts_answer;
  const std::string_view xml(reinterpret_cast<const char*>(data), size);
  const auto got = parse_sts_answer(200, xml);
  if (got.ok() && (got->access_key.empty() || got->secret_key.empty() ||
                   got->session_token.empty() || got->end_ms == 0))
    std::abort();
  const auto refused = parse_sts_answer(403, xml);
  if (refused.ok() || refused.error().message().find('\n') != std::string_view::npos)
    std::abort();
  return 0;
}
