// Requests and responses, cut into pieces whose sizes the first byte decides. Limits must hold and
// the readers must not trip over a cut.
#include "pipeline/http/message_reader.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace {

using namespace troupe::http;

template <class Reader>
void feed(Reader& r, std::string_view text, size_t step) {
  std::string pending;
  for (size_t i = 0; i < text.size() && !r.done(); i += step) {
    pending += text.substr(i, step);
    for (size_t used = 1; used != 0 && !pending.empty() && !r.done();) {
      auto got = r.feed(pending);
      if (!got.ok())
        return;
      used = *got;
      if (used > pending.size())
        std::abort();
      pending.erase(0, used);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2)
    return 0;
  size_t step = std::max<size_t>(data[0], 1);
  std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  reader_limits limits;
  limits.header_bytes = 4096;
  limits.body_bytes = 1024;
  auto budget = std::make_shared<byte_budget>(1 << 20);
  request_reader q;
  q.start(limits, budget);
  feed(q, text, step);
  response_reader p;
  p.start(limits, budget, data[1] % 2 == 1, true);
  feed(p, text, step);
  if (p.done())
    return 0;
  p.feed_end().ignore();
  if (q.body.size() > 1024 || p.body.size() > 1024)
    std::abort();
  return 0;
}
