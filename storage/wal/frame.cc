#include "storage/wal/frame.h"

#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/base/compress.h"
#include "storage/base/hash.h"

#include <cstring>

namespace troupe::storage {
namespace {

constexpr size_t crc_offset = 8;
constexpr uint8_t flag_packed = 1;
constexpr size_t raw_size_bytes = 4;
// An LZ4 block cannot expand more than this.
constexpr size_t max_lz4_ratio = 255;

uint32_t checksum(std::string_view whole) {
  return crc32c(whole.substr(crc_offset + 4), crc32c(whole.substr(0, crc_offset)));
}

template <class T>
T load(std::string_view data, size_t offset) {
  T v;
  std::memcpy(&v, data.data() + offset, sizeof(T));
  return v;
}

}  // namespace

bool put_frame(const frame_header& header, std::string_view body, bool compress, std::string& out) {
  TROUPE_CHECK(header.tenant.size() <= max_tenant_bytes);
  std::string packed;
  bool use_packed = false;
  if (compress) {
    packed = lz4_compress(body);
    use_packed = packed.size() + raw_size_bytes < body.size() - body.size() / 8;
  }
  size_t stored = use_packed ? packed.size() + raw_size_bytes : body.size();
  size_t head = frame_header_bytes + header.tenant.size();
  size_t length = head + stored;
  TROUPE_CHECK(length <= max_frame_bytes);
  size_t start = out.size();
  put_u32(out, frame_magic);
  put_u32(out, static_cast<uint32_t>(length));
  put_u32(out, 0);
  put_u8(out, header.version);
  put_u8(out, static_cast<uint8_t>(header.kind));
  put_u8(out, use_packed ? flag_packed : 0);
  put_u8(out, static_cast<uint8_t>(header.tenant.size()));
  put_u16(out, header.stream);
  put_u16(out, static_cast<uint16_t>(head));
  put_u32(out, header.salt);
  put_u64(out, header.epoch);
  put_u64(out, header.sequence);
  put_u64(out, static_cast<uint64_t>(header.ts));
  out.append(header.tenant);
  if (use_packed) {
    put_u32(out, static_cast<uint32_t>(body.size()));
    out.append(packed);
  } else {
    out.append(body);
  }
  uint32_t crc = checksum(std::string_view(out).substr(start));
  std::memcpy(out.data() + start + crc_offset, &crc, sizeof(crc));
  return use_packed;
}

frame_state check_frame(std::string_view data, frame& out) {
  out = {};
  if (data.size() < frame_header_bytes) {
    size_t n = std::min(data.size(), sizeof(frame_magic));
    bool could_be = std::memcmp(data.data(), &frame_magic, n) == 0;
    return could_be ? frame_state::incomplete : frame_state::bad;
  }
  if (load<uint32_t>(data, 0) != frame_magic)
    return frame_state::bad;
  uint32_t length = load<uint32_t>(data, 4);
  size_t tenant = load<uint8_t>(data, 15);
  size_t head = load<uint16_t>(data, 18);
  if (head < frame_header_bytes + tenant || length < head || length > max_frame_bytes)
    return frame_state::bad;
  out.length = length;
  if (length > data.size())
    return frame_state::incomplete;
  std::string_view whole = data.substr(0, length);
  if (checksum(whole) != load<uint32_t>(data, crc_offset))
    return frame_state::bad;
  out.header.version = load<uint8_t>(data, 12);
  out.header.kind = static_cast<frame_kind>(load<uint8_t>(data, 13));
  out.packed = (load<uint8_t>(data, 14) & flag_packed) != 0;
  out.header.stream = load<uint16_t>(data, 16);
  out.header.salt = load<uint32_t>(data, 20);
  out.header.epoch = load<uint64_t>(data, 24);
  out.header.sequence = load<uint64_t>(data, 32);
  out.header.ts = load<int64_t>(data, 40);
  out.header.tenant = whole.substr(frame_header_bytes, tenant);
  out.stored_body = whole.substr(head);
  return frame_state::intact;
}

result<std::string_view> frame_body(const frame& f, std::string& scratch) {
  if (!f.packed)
    return f.stored_body;
  if (f.stored_body.size() < raw_size_bytes)
    return {errc::corruption, "packed body without a size"};
  uint32_t raw = load<uint32_t>(f.stored_body, 0);
  std::string_view block = f.stored_body.substr(raw_size_bytes);
  if (raw > max_frame_bytes || raw > (block.size() + 1) * max_lz4_ratio)
    return {errc::corruption, "packed body claims an impossible size"};
  TROUPE_ASSIGN(scratch, lz4_decompress(block, raw, max_frame_bytes));
  return std::string_view(scratch);
}

size_t find_frame(std::string_view data, size_t from, uint32_t salt, bool any_salt) {
  char magic[4];
  std::memcpy(magic, &frame_magic, sizeof(magic));
  for (; from + frame_header_bytes <= data.size(); ++from) {
    from = data.find(magic[0], from);
    if (from == std::string_view::npos || from + frame_header_bytes > data.size())
      break;
    std::string_view rest = data.substr(from);
    // The salt first: bytes that a stranger wrote must not cost checksums.
    frame f;
    if ((any_salt || load<uint32_t>(rest, 20) == salt) &&
        check_frame(rest, f) == frame_state::intact)
      return from;
  }
  return std::string_view::npos;
}

}  // namespace troupe::storage
