// Answers of AWS' token service and of its metadata servers from anywhere. Credentials are whole or
// not there at all.
#include "pipeline/credentials/sts.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using troupe::credentials::parse_sts_answer;
  const std::string_view xml(reinterpret_cast<const char*>(data), size);
  const auto got = parse_sts_answer(200, xml);
  if (got.ok() && !got->complete())
    std::abort();
  const auto refused = parse_sts_answer(403, xml);
  if (refused.ok() || refused.error().message().find('\n') != std::string_view::npos)
    std::abort();
  if (const auto key = troupe::credentials::parse_key_answer(xml); key.ok() && !key->complete())
    std::abort();
  return 0;
}
