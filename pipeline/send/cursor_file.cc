#include "pipeline/send/cursor_file.h"

#include "storage/base/chained_frames.h"

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
  auto bytes = read_file(fs_, path_, 2 * most_bytes);
  if (bytes.code() == errc::not_found)
    return std::optional<cursor>();
  if (!bytes.ok())
    return bytes.error();
  auto read = read_cursor_file(*bytes);
  if (!read.ok())
    return read.error().with_context(path_);
  return std::optional<cursor>(std::move(*read));
}

status cursor_file::store(const cursor& now) {
  std::string bytes;
  uint32_t crc = 0;
  put_chained_frame(bytes, whole, encode(now), crc);
  file_.reset();
  TROUPE_TRY(write_file_atomically(fs_, path_, bytes));
  crc_ = crc;
  dirty_ = false;
  TROUPE_ASSIGN(file_, fs_.open_append(path_));
  return {};
}

status cursor_file::append(const std::vector<advance>& steps, const std::function<cursor()>& now) {
  if (!file_ || file_->size() > most_bytes)
    return store(now());
  std::string bytes;
  uint32_t crc = crc_;
  put_chained_frame(bytes, steps_taken, encode(steps), crc);
  if (status s = file_->append(bytes); !s.ok()) {
    file_.reset();
    return s;
  }
  crc_ = crc;
  dirty_ = true;
  return {};
}

status cursor_file::sync() {
  if (!dirty_ || !file_)
    return {};
  dirty_ = false;
  status s = file_->sync();
  if (!s.ok())
    file_.reset();
  return s;
}

}  // namespace troupe::send
