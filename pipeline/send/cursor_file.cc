#include "pipeline/send/cursor_file.h"

#include "storage/base/coding.h"
#include "storage/base/hash.h"

#include <utility>

namespace troupe::send {
namespace {

enum frame_kind : uint8_t { whole = 1, steps_taken = 2 };

constexpr size_t head_bytes = 8;

/// Appends a frame that continues `crc`, which becomes its own.
void put_frame(std::string& out, frame_kind kind, std::string_view content, uint32_t& crc) {
  std::string body;
  put_u8(body, kind);
  body += content;
  crc = crc32c(body, crc);
  put_u32(out, static_cast<uint32_t>(body.size()));
  put_u32(out, crc);
  out += body;
}

/// The next body; "" if there is none that holds.
std::string_view take_frame(byte_reader& in, uint32_t& crc) {
  if (in.remaining() < head_bytes)
    return {};
  const uint32_t size = in.u32();
  const uint32_t sum = in.u32();
  const auto body = in.take(size);
  if (in.failed() || body.empty() || crc32c(body, crc) != sum)
    return {};
  crc = sum;
  return body;
}

}  // namespace

result<cursor> read_cursor_file(std::string_view bytes) {
  byte_reader in(bytes);
  uint32_t crc = 0;
  auto body = take_frame(in, crc);
  if (body.empty() || static_cast<uint8_t>(body[0]) != whole)
    return {errc::corruption, "its first frame is damaged"};
  TROUPE_ASSIGN(cursor out, decode_cursor(body.substr(1)));
  while (!(body = take_frame(in, crc)).empty()) {
    if (static_cast<uint8_t>(body[0]) != steps_taken)
      continue;
    const auto steps = decode_advances(body.substr(1));
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
  put_frame(bytes, whole, encode(now), crc);
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
  put_frame(bytes, steps_taken, encode(steps), crc);
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
