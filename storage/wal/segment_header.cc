#include "storage/wal/segment_header.h"

#include "storage/base/coding.h"
#include "storage/model/slot.h"

namespace troupe::storage {
namespace {
constexpr uint64_t format = 1;
}  // namespace

wal_file_name segment_header::name(wal_file_kind called) const {
  wal_file_kind kind = wal_file_kind::segment;
  if (role == segment_role::checkpoint)
    kind = wal_file_kind::checkpoint;
  else if (role == segment_role::series_log)
    kind = called == wal_file_kind::table ? called : wal_file_kind::series;
  return {epoch, static_cast<uint16_t>(shard), static_cast<uint16_t>(shards), number, kind};
}

void put_segment_header(const segment_header& h, timestamp_ms now, std::string& out) {
  std::string body;
  put_varint(body, format);
  put_varint(body, h.shard);
  put_varint(body, h.shards);
  put_varint(body, h.number);
  put_u8(body, static_cast<uint8_t>(h.role));
  put_varint(body, h.series_number);
  put_varint(body, h.previous);
  put_varint(body, h.previous_length);
  put_varint(body, h.next_sequences.size());
  for (auto [slot, next] : h.next_sequences) {
    put_varint(body, slot);
    put_varint(body, next);
  }
  frame_header frame;
  frame.kind = frame_kind::segment_header;
  frame.salt = h.salt;
  frame.epoch = h.epoch;
  frame.ts = now;
  put_frame(frame, body, false, out);
}

bool read_segment_header(std::string_view body, segment_header& out) {
  byte_reader in(body);
  if (in.varint() != format)
    return false;
  out.shard = static_cast<uint32_t>(in.varint());
  out.shards = static_cast<uint32_t>(in.varint());
  out.number = static_cast<uint32_t>(in.varint());
  uint8_t role = in.u8();
  out.role = static_cast<segment_role>(role);
  out.series_number = static_cast<uint32_t>(in.varint());
  out.previous = static_cast<uint32_t>(in.varint());
  out.previous_length = in.varint();
  uint64_t n = in.varint();
  if (in.failed() || n > slot_count || role > 2 || out.shards == 0 || out.shards > slot_count ||
      out.shard >= out.shards)
    return false;
  out.next_sequences.clear();
  for (uint64_t i = 0; i < n; ++i) {
    uint64_t slot = in.varint();
    uint64_t next = in.varint();
    if (slot >= slot_count)
      return false;
    out.next_sequences.emplace_back(static_cast<uint16_t>(slot), next);
  }
  return in.at_end() && !in.failed();
}

}  // namespace troupe::storage
