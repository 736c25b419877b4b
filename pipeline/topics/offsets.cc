#include "pipeline/topics/offsets.h"

#include "storage/base/coding.h"
#include "storage/base/hash.h"

#include <algorithm>
#include <limits>

namespace troupe::topics {
namespace {

constexpr std::string_view magic = "TRCO";
constexpr uint8_t version = 1;
constexpr uint64_t most_file_bytes = 256ull << 20;

enum place_flags : uint8_t { has_end = 1, has_key = 2, has_last = 4, all_flags = 7 };

void put(std::string& out, const stretch_place& p) {
  put_varint(out, static_cast<uint64_t>(p.next));
  put_u8(out, static_cast<uint8_t>((p.end ? has_end : 0) | (p.key ? has_key : 0) |
                                   (p.last ? has_last : 0)));
  if (p.end)
    put_varint(out, static_cast<uint64_t>(*p.end));
  if (p.key)
    put_varint(out, static_cast<uint64_t>(*p.key));
  if (p.last) {
    put_varint(out, static_cast<uint64_t>(p.last->offset));
    put_svarint(out, p.last->ts);
  }
  put_varint(out, p.stored.size());
  for (const auto& s : p.stored) {
    put_varint(out, static_cast<uint64_t>(s.first));
    put_varint(out, static_cast<uint64_t>(s.end));
  }
  put_varint(out, p.writers.size());
  for (const auto& w : p.writers) {
    put_u64(out, w.node);
    put_svarint(out, w.as_of);
    put_svarint(out, w.heard);
  }
}

class offsets_reader {
 public:
  explicit offsets_reader(std::string_view bytes) : in_(bytes) {}

  consume_offsets read() {
    consume_offsets out;
    out.kafka = in_.bytes();
    out.topic = in_.bytes();
    out.began_with = partition();
    for (uint64_t* n : {&out.totals.gaps, &out.totals.gap_records, &out.totals.lost_samples,
                        &out.totals.poisoned, &out.totals.resets})
      *n = in_.varint();
    const uint64_t n = count(std::numeric_limits<uint32_t>::max());
    for (uint64_t i = 0; i < n && holds_; ++i) {
      const uint32_t p = partition();
      holds_ = holds_ && (out.partitions.empty() || out.partitions.rbegin()->first < p);
      out.partitions.emplace_hint(out.partitions.end(), p, partition_at());
    }
    return out;
  }
  /// All of it was there, and nothing else.
  bool holds() const { return holds_ && !in_.failed() && in_.at_end(); }

 private:
  int64_t offset() {
    const uint64_t v = in_.varint();
    holds_ = holds_ && v < static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    return static_cast<int64_t>(v);
  }
  uint32_t partition() {
    const uint64_t v = in_.varint();
    holds_ = holds_ && v <= std::numeric_limits<uint32_t>::max();
    return static_cast<uint32_t>(v);
  }
  /// Of things that take a byte or more each.
  uint64_t count(uint64_t most) {
    const uint64_t n = in_.varint();
    holds_ = holds_ && n <= std::min<uint64_t>(most, in_.remaining());
    return n;
  }
  partition_place partition_at() {
    partition_place out;
    const uint8_t stretches = in_.u8();
    holds_ = holds_ && (stretches == 1 || stretches == 2);
    out.live = stretch();
    holds_ = holds_ && !out.live.end;
    if (stretches == 2) {
      out.backlog = stretch();
      holds_ = holds_ && out.backlog->end && *out.backlog->end <= out.live.next;
    }
    return out;
  }
  stretch_place stretch() {
    stretch_place p;
    p.next = offset();
    const uint8_t flags = in_.u8();
    holds_ = holds_ && flags <= all_flags;
    if (flags & has_end)
      p.end = offset();
    if (flags & has_key)
      p.key = offset();
    if (flags & has_last) {
      const int64_t at = offset();
      p.last = record_stamp{at, in_.svarint()};
    }
    spans(p);
    writers(p);
    holds_ = holds_ && (!p.end || p.next <= *p.end) && (!p.key || *p.key < p.next) &&
             (!p.last || p.last->offset < p.next);
    return p;
  }
  void spans(stretch_place& p) {
    const uint64_t n = count(most_spans);
    int64_t before = p.next;
    for (uint64_t i = 0; i < n && holds_; ++i) {
      offset_span s;
      s.first = offset();
      s.end = offset();
      holds_ = holds_ && before < s.first && s.first < s.end && (!p.end || s.end <= *p.end);
      before = s.end;
      p.stored.push_back(s);
    }
  }
  void writers(stretch_place& p) {
    const uint64_t n = count(most_writers);
    for (uint64_t i = 0; i < n && holds_; ++i) {
      writer_mark w;
      w.node = in_.u64();
      w.as_of = in_.svarint();
      w.heard = in_.svarint();
      holds_ = holds_ && (p.writers.empty() || p.writers.back().node < w.node);
      p.writers.push_back(w);
    }
  }

  byte_reader in_;
  bool holds_ = true;
};

}  // namespace

std::string encode(const consume_offsets& all) {
  std::string body;
  put_bytes(body, all.kafka);
  put_bytes(body, all.topic);
  put_varint(body, all.began_with);
  for (const uint64_t n : {all.totals.gaps, all.totals.gap_records, all.totals.lost_samples,
                           all.totals.poisoned, all.totals.resets})
    put_varint(body, n);
  put_varint(body, all.partitions.size());
  for (const auto& [p, at] : all.partitions) {
    put_varint(body, p);
    put_u8(body, at.backlog ? 2 : 1);
    put(body, at.live);
    if (at.backlog)
      put(body, *at.backlog);
  }
  std::string out(magic);
  put_u8(out, version);
  put_u32(out, crc32c(body));
  return out + body;
}

result<consume_offsets> decode_offsets(std::string_view bytes) {
  byte_reader in(bytes);
  if (in.take(magic.size()) != magic)
    return {errc::corruption, "no file of offsets"};
  if (const uint8_t v = in.u8(); v != version)
    return {errc::corruption, "offsets of an unknown version, " + std::to_string(v)};
  const uint32_t sum = in.u32();
  const std::string_view body = in.take(in.remaining());
  if (in.failed() || crc32c(body) != sum)
    return {errc::corruption, "the checksum does not hold"};
  offsets_reader reader(body);
  auto out = reader.read();
  if (!reader.holds())
    return {errc::corruption, "the offsets make no sense"};
  return out;
}

result<std::optional<consume_offsets>> load_offsets(file_system& fs, const std::string& path) {
  const auto bytes = read_file(fs, path, most_file_bytes);
  if (bytes.code() == errc::not_found)
    return std::optional<consume_offsets>();
  if (bytes.code() == errc::resource_exhausted)
    return {errc::corruption, path + ": " + std::string(bytes.error().message())};
  if (!bytes.ok())
    return bytes.error();
  auto read = decode_offsets(*bytes);
  if (!read.ok())
    return read.error().with_context(path);
  return std::optional<consume_offsets>(std::move(*read));
}

status store_offsets(file_system& fs, const std::string& path, const consume_offsets& all) {
  return write_file_atomically(fs, path, encode(all));
}

}  // namespace troupe::topics
