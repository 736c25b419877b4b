// Remote read: any bytes as a request, a response and a stream give values or an error.
#include "pipeline/remote/read_codec.h"
#include "storage/base/check.h"

namespace {

using namespace troupe;
using namespace troupe::remote;

void read_through(const result<std::vector<read_series>>& got, read_response how) {
  if (!got.ok())
    return;
  for (const auto& s : *got)
    for (const auto message : s.messages) {
      storage::sample_columns c;
      (void)read_samples(message, how, -1'000'000'000'000, 4'000'000'000'000, c).ok();
      TROUPE_CHECK(c.ts.size() == c.values.size());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto got = decode_read_request(bytes); got.ok() && got->queries.size() == 1) {
    const auto again = decode_read_request(encode_read_request(got->queries.front()));
    TROUPE_CHECK(again.ok() && again->queries.front().ms == got->queries.front().ms);
  }
  read_through(decode_read_response(bytes), read_response::samples);
  read_through(decode_read_stream(bytes, 1 << 20), read_response::streamed_chunks);
  return 0;
}
