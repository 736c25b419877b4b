#include "storage/tsdb/tombstones.h"

#include "storage/base/hash.h"
#include "storage/tsdb/layout.h"

namespace troupe::storage::tsdb {

std::string encode_tombstones(const tombstones& stones) {
  std::string body;
  for (const auto& [ref, intervals] : stones)
    for (const auto& i : intervals) {
      put_varint(body, ref);
      put_svarint(body, i.min);
      put_svarint(body, i.max);
    }
  std::string out;
  layout::put_be32(out, layout::tombstone_magic);
  put_u8(out, layout::tombstone_version);
  out += body;
  layout::put_be32(out, crc32c(body));
  return out;
}

result<tombstones> decode_tombstones(std::string_view bytes, const std::string& file) {
  constexpr size_t header = 5;
  if (bytes.size() < header + layout::crc_bytes)
    return layout::corrupt(file, bytes.size(), "the file is too short");
  byte_reader front(bytes);
  if (layout::be32(front) != layout::tombstone_magic)
    return layout::corrupt(file, 0, "not a file of tombstones");
  if (const uint8_t version = front.u8(); version != layout::tombstone_version)
    return {errc::unsupported, fmt::format("{}: offset 4: unknown version {}", file, version)};
  const auto body = bytes.substr(header, bytes.size() - header - layout::crc_bytes);
  byte_reader tail(bytes.substr(header + body.size()));
  if (layout::be32(tail) != crc32c(body))
    return layout::corrupt(file, header + body.size(), "bad checksum");
  tombstones out;
  byte_reader in(body);
  while (!in.at_end()) {
    const auto at = static_cast<uint64_t>(in.position() - bytes.data());
    const uint64_t ref = in.varint();
    const timestamp_ms min = in.svarint(), max = in.svarint();
    if (in.failed() || min > max)
      return layout::corrupt(file, at, "a tombstone does not hold");
    add_interval(out[ref], {min, max});
  }
  return out;
}

}  // namespace troupe::storage::tsdb
