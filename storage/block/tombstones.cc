#include "storage/block/tombstones.h"

#include "storage/base/coding.h"
#include "storage/base/hash.h"

namespace troupe::storage {
namespace {

constexpr uint32_t magic = 0x424d5454;  // "TTMB"
constexpr uint32_t version = 1;

status corrupt(const char* what) {
  return {errc::corruption, std::string("tombstones: ") + what};
}

bool read_intervals(byte_reader& in, time_intervals& out) {
  const uint64_t n = in.varint();
  if (n > in.remaining() / 2)  // an interval takes at least two bytes
    return false;
  for (uint64_t i = 0; i < n; ++i) {
    const int64_t min = in.svarint();
    const auto max = static_cast<int64_t>(static_cast<uint64_t>(min) + in.varint());
    if (in.failed() || max < min || (!out.empty() && min <= out.back().max))
      return false;
    out.push_back({min, max});
  }
  return true;
}

}  // namespace

std::string encode_tombstones(const tombstone_set& set, uint32_t seed) {
  std::string out;
  put_u32(out, magic);
  put_u32(out, version);
  put_varint(out, set.series.size());
  series_ref before = 0;
  for (const auto& [ref, entry] : set.series) {
    put_varint(out, ref - before);
    before = ref;
    put_u64(out, entry.labels_hash);
    put_varint(out, entry.intervals.size());
    for (const auto& i : entry.intervals) {
      put_svarint(out, i.min);
      put_varint(out, static_cast<uint64_t>(i.max) - static_cast<uint64_t>(i.min));
    }
  }
  put_u32(out, crc32c(out, seed));
  return out;
}

result<tombstone_set> decode_tombstones(std::string_view bytes, uint32_t seed) {
  if (bytes.size() < 12)
    return corrupt("file too short");
  const std::string_view body = bytes.substr(0, bytes.size() - 4);
  if (byte_reader(bytes.substr(body.size())).u32() != crc32c(body, seed))
    return corrupt("bad checksum");
  byte_reader in(body);
  if (in.u32() != magic)
    return corrupt("bad magic number");
  if (in.u32() != version)
    return {errc::unsupported, "tombstones: unknown version"};
  tombstone_set set;
  uint64_t ref = 0;
  for (uint64_t n = in.varint(); n > 0; --n) {
    ref += in.varint();
    tombstone_set::entry entry;
    entry.labels_hash = in.u64();
    if (in.failed() || ref > UINT32_MAX || !read_intervals(in, entry.intervals))
      return corrupt("an entry does not hold");
    set.series[static_cast<series_ref>(ref)] = std::move(entry);
  }
  return in.at_end() ? result<tombstone_set>(std::move(set)) : corrupt("bytes behind the end");
}

}  // namespace troupe::storage
