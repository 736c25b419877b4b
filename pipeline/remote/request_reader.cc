#include "pipeline/remote/request_reader.h"

#include "pipeline/remote/protobuf.h"
#include "storage/base/quote.h"

#include <algorithm>

namespace troupe::remote {

namespace {

struct request_too_large : protozero::exception {
  const char* what() const noexcept override { return request_too_large_text.data(); }
};

}  // namespace

uint64_t count_fields(std::string_view message, const field_pair& fields) {
  uint64_t n = 0;
  protozero::pbf_reader m(message.data(), message.size());
  while (m.next()) {
    n += std::find(fields.begin(), fields.end(), m.tag()) != fields.end() ? 1 : 0;
    m.skip();
  }
  return n;
}

std::string metadata_refusal(const metadata_fields& m, const write_limits& limits) {
  if (m.family.empty())
    return "metadata without a metric name";
  for (const auto text : {m.family, m.unit, m.help}) {
    if (text.size() > limits.max_label_bytes)
      return "metadata are longer than " + std::to_string(limits.max_label_bytes) + " bytes";
    if (!is_valid_utf8(text))
      return "metadata are not valid UTF-8";
  }
  return {};
}

void throw_request_too_large() {
  throw request_too_large();
}

result<decoded_write> guarded(const std::function<decoded_write()>& read) {
  try {
    return read();
  } catch (const request_too_large& e) {
    return {errc::out_of_bounds, e.what()};
  } catch (const protozero::exception& e) {
    return {errc::invalid_argument, std::string("malformed remote-write request: ") + e.what()};
  }
}

}  // namespace troupe::remote
