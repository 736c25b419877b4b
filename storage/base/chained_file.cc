#include "storage/base/chained_file.h"

#include "storage/base/hash.h"

namespace troupe {
namespace {

// A frame that continues `crc`, which becomes its own.
std::string frame_of(uint8_t kind, std::string_view content, uint32_t& crc) {
  std::string body;
  body.reserve(1 + content.size());
  put_u8(body, kind);
  body += content;
  crc = crc32c(body, crc);
  std::string out;
  put_u32(out, static_cast<uint32_t>(body.size()));
  put_u32(out, crc);
  out += body;
  return out;
}

}  // namespace

std::optional<chained_frame> take_chained_frame(byte_reader& in, uint32_t& crc) {
  if (in.remaining() < 2 * sizeof(uint32_t))
    return {};
  const uint32_t size = in.u32();
  const uint32_t sum = in.u32();
  const auto body = in.take(size);
  if (in.failed() || body.empty() || crc32c(body, crc) != sum)
    return {};
  crc = sum;
  return chained_frame{static_cast<uint8_t>(body[0]), body.substr(1)};
}

status chained_file::replace(uint8_t kind, std::string_view content) {
  uint32_t crc = 0;
  const std::string bytes = frame_of(kind, content, crc);
  file_.reset();
  TROUPE_TRY(write_file_atomically(fs_, path_, bytes));
  crc_ = crc;
  dirty_ = false;
  TROUPE_ASSIGN(file_, fs_.open_append(path_));
  return {};
}

status chained_file::append(uint8_t kind, std::string_view content) {
  if (!file_)
    return {errc::unavailable, path_ + " was not begun since the start or an error"};
  uint32_t crc = crc_;
  if (status s = file_->append(frame_of(kind, content, crc)); !s.ok()) {
    file_.reset();
    return s;
  }
  crc_ = crc;
  dirty_ = true;
  return {};
}

status chained_file::sync() {
  if (!dirty_ || !file_)
    return {};
  dirty_ = false;
  status s = file_->sync();
  if (!s.ok())
    file_.reset();
  return s;
}

status chained_file::remove() {
  file_.reset();
  return fs_.exists(path_) ? fs_.remove_file(path_) : status();
}

}  // namespace troupe
