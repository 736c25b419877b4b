#include "pipeline/federate/stream_cursor.h"

#include "pipeline/http/base64.h"
#include "storage/base/coding.h"

namespace troupe::federate {
namespace {

constexpr uint8_t version = 1;
constexpr timestamp_ms latest = 1LL << 53;

status malformed() {
  return {errc::corruption, "malformed cursor"};
}

// The last stretch goes on with the log, all others have an end.
bool holds_together(const send::cursor& c) {
  if (c.stretches.size() > stream_cursor::most_stretches)
    return false;
  for (size_t i = 0; i < c.stretches.size(); ++i)
    if (c.stretches[i].end.has_value() != (i + 1 < c.stretches.size()))
      return false;
  return true;
}

}  // namespace

std::string to_text(const stream_cursor& c) {
  std::string out;
  put_u8(out, version);
  put_u64(out, c.source);
  put_svarint(out, c.as_of);
  out += send::encode(c.at);
  return http::base64_encode(out);
}

result<stream_cursor> read_cursor(std::string_view text) {
  const auto bytes = http::base64_decode(text);
  if (!bytes.ok())
    return malformed();
  byte_reader in(*bytes);
  stream_cursor out;
  const bool known = in.u8() == version;
  out.source = in.u64();
  out.as_of = in.svarint();
  if (in.failed() || !known || out.as_of < 0 || out.as_of > latest)
    return malformed();
  TROUPE_ASSIGN(out.at, send::decode_cursor(in.take(in.remaining())));
  if (!holds_together(out.at))
    return malformed();
  return out;
}

}  // namespace troupe::federate
