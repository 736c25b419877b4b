#include "pipeline/send/cursor_file.h"

#include <utility>

namespace troupe::send {
namespace {

enum frame_kind : uint8_t { whole = 1, steps_taken = 2 };

}  // namespace

result<cursor> read_cursor_file(std::string_view bytes) {
  byte_reader in(bytes);
  uint32_t crc = 0;
  auto frame = take_chained_frame(in, crc);
  if (!frame || frame->kind != whole)
    return {errc::corruption, "its first frame is damaged"};
  TROUPE_ASSIGN(cursor out, decode_cursor(frame->content));
  while ((frame = take_chained_frame(in, crc))) {
    if (frame->kind != steps_taken)
      continue;
    const auto steps = decode_advances(frame->content);
    if (!steps.ok() || !apply(*steps, out))
      break;
  }
  return out;
}

result<std::optional<cursor>> cursor_file::load() {
  auto bytes = read_file(fs_, file_.path(), 2 * most_bytes);
  if (bytes.code() == errc::not_found)
    return std::optional<cursor>();
  if (!bytes.ok())
    return bytes.error();
  auto read = read_cursor_file(*bytes);
  if (!read.ok())
    return read.error().with_context(file_.path());
  return std::optional<cursor>(std::move(*read));
}

status cursor_file::store(const cursor& now) {
  return file_.replace(whole, encode(now));
}

status cursor_file::append(const std::vector<advance>& steps, const std::function<cursor()>& now) {
  if (!file_.is_begun() || file_.size() > most_bytes)
    return store(now());
  return file_.append(steps_taken, encode(steps));
}

}  // namespace troupe::send
