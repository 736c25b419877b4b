#include "pipeline/topics/record.h"

#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/base/hash.h"

#include <cereal/archives/portable_binary.hpp>

#include <cstring>
#include <sstream>

namespace troupe::topics {
namespace {

constexpr size_t max_header_bytes = 4096;
// The checksum stands behind the mark of the byte order.
constexpr size_t checksum_at = 1, checksum_bytes = sizeof(uint32_t);

status damaged(std::string_view why) {
  return {errc::corruption, "record of troupe: " + std::string(why)};
}

template <class Archive, class Header>
void fields(Archive& ar, uint32_t& checksum, Header& h) {
  ar(checksum, h.node, h.session, h.segment, h.index, h.key_offset, h.as_of, h.samples);
}

std::string write_header(const record_header& header) {
  using archive = cereal::PortableBinaryOutputArchive;
  std::ostringstream out;
  archive ar(out, archive::Options::LittleEndian());
  uint32_t checksum = 0;
  fields(ar, checksum, header);
  return out.str();
}

bool read_header(std::string_view bytes, uint32_t& checksum, record_header& out) {
  // A header that ends too early throws.
  try {
    std::istringstream in{std::string(bytes)};
    cereal::PortableBinaryInputArchive ar(in);
    fields(ar, checksum, out);
    return true;
  } catch (const cereal::Exception&) {
    return false;
  }
}

uint32_t checksum_of(std::string_view record, size_t at) {
  return crc32c(record.substr(at + checksum_bytes), crc32c(record.substr(0, at)));
}

}  // namespace

bool is_record(std::string_view payload) {
  return payload.starts_with(record_magic);
}

result<record_parts> split_record(std::string_view payload) {
  if (!is_record(payload))
    return damaged("does not begin as one");
  if (payload.size() > max_record_bytes)
    return damaged("longer than 64 MiB");
  byte_reader in(payload.substr(record_magic.size()));
  const uint8_t version = in.u8();
  if (!in.failed() && version > record_version)
    return {errc::unsupported, "record of troupe: version " + std::to_string(version) +
                                   ", this program knows version 1"};
  const std::string_view header = in.bytes();
  if (in.failed() || version == 0 || header.size() > max_header_bytes)
    return damaged("header does not hold");
  record_parts out;
  uint32_t checksum = 0;
  if (!read_header(header, checksum, out.header))
    return damaged("header does not hold");
  const auto at = static_cast<size_t>(header.data() - payload.data()) + checksum_at;
  if (checksum != checksum_of(payload, at))
    return damaged("checksum does not hold");
  const uint8_t packing = in.u8();
  if (packing > static_cast<uint8_t>(frame_packing::zstd))
    return {errc::unsupported, "record of troupe: packing " + std::to_string(packing)};
  if (in.failed())
    return damaged("no frames");
  out.packing = static_cast<frame_packing>(packing);
  out.frames = in.take(in.remaining());
  return out;
}

std::string make_record(const record_header& header, std::string_view frames,
                        frame_packing packing) {
  std::string out(record_magic);
  put_u8(out, record_version);
  const std::string bytes = write_header(header);
  put_bytes(out, bytes);
  const size_t at = out.size() - bytes.size() + checksum_at;
  put_u8(out, static_cast<uint8_t>(packing));
  out.append(frames);
  TROUPE_CHECK(out.size() <= max_record_bytes);
  const uint32_t checksum = checksum_of(out, at);
  std::memcpy(out.data() + at, &checksum, sizeof checksum);
  return out;
}

uint32_t segment_salt(const record_header& header) {
  std::string key;
  put_u64(key, header.node);
  put_u64(key, header.session);
  put_u32(key, header.segment);
  return static_cast<uint32_t>(xxh3(key));
}

}  // namespace troupe::topics
