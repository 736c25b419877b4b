#include "pipeline/send/cursor.h"

#include "storage/base/coding.h"

#include <algorithm>

namespace troupe::send {
namespace {

constexpr uint64_t max_stretches = 64;

status malformed() {
  return {errc::corruption, "malformed cursor"};
}

void put_place(std::string& out, const place& p) {
  put_varint(out, p.epoch);
  put_varint(out, p.sequence);
  put_varint(out, p.entry);
}

place read_place(byte_reader& in) {
  place p;
  p.epoch = in.varint();
  p.sequence = in.varint();
  p.entry = static_cast<uint32_t>(in.varint());
  return p;
}

void put_places(std::string& out, const places& all) {
  for (const auto& p : all)
    put_place(out, p);
}

void put_segments(std::string& out, const std::vector<storage::log_segment>& all) {
  put_varint(out, all.size());
  for (const auto& s : all) {
    put_varint(out, s.epoch);
    put_varint(out, s.number);
  }
}

void read_segments(byte_reader& in, std::vector<storage::log_segment>& out) {
  const uint64_t count = in.varint();
  if (count > slot_count)
    return in.fail();
  for (uint64_t i = 0; i < count && !in.failed(); ++i) {
    const uint64_t epoch = in.varint();
    out.push_back({epoch, static_cast<uint32_t>(in.varint())});
  }
}

void read_places(byte_reader& in, places& out) {
  for (auto& p : out)
    p = read_place(in);
}

}  // namespace

std::vector<storage::log_segment> starts_of(const stretch& s, const storage::log_door& log) {
  if (s.from.size() == log.shard_count())
    return s.from;
  storage::log_segment oldest{log.epoch(), 1};
  for (const auto& f : s.from)
    oldest = std::min(oldest, storage::log_segment{f.epoch, 0});
  return std::vector<storage::log_segment>(log.shard_count(), oldest);
}

std::string encode(const cursor& c) {
  std::string out;
  put_varint(out, c.stretches.size());
  for (const auto& s : c.stretches) {
    put_places(out, s.next);
    put_segments(out, s.from);
    put_u8(out, s.end ? 1 : 0);
    if (s.end) {
      put_places(out, *s.end);
      put_segments(out, s.end_from);
    }
  }
  return out;
}

result<cursor> decode_cursor(std::string_view bytes) {
  byte_reader in(bytes);
  cursor out;
  const uint64_t count = in.varint();
  if (count == 0 || count > max_stretches)
    return malformed();
  for (uint64_t i = 0; i < count && !in.failed(); ++i) {
    stretch s;
    read_places(in, s.next);
    read_segments(in, s.from);
    if (in.u8() != 0) {
      read_places(in, s.end.emplace());
      read_segments(in, s.end_from);
    }
    out.stretches.push_back(std::move(s));
  }
  if (in.failed() || !in.at_end())
    return malformed();
  return out;
}

std::string encode(const std::vector<advance>& steps) {
  std::string out;
  put_varint(out, steps.size());
  for (const auto& s : steps) {
    put_varint(out, s.stretch);
    put_varint(out, s.slot);
    put_place(out, s.next);
  }
  return out;
}

result<std::vector<advance>> decode_advances(std::string_view bytes) {
  byte_reader in(bytes);
  std::vector<advance> out;
  const uint64_t count = in.varint();
  for (uint64_t i = 0; i < count && !in.failed(); ++i) {
    advance a;
    a.stretch = static_cast<uint32_t>(in.varint());
    const uint64_t slot = in.varint();
    if (slot >= slot_count)
      return malformed();
    a.slot = static_cast<uint16_t>(slot);
    a.next = read_place(in);
    out.push_back(a);
  }
  if (in.failed() || !in.at_end())
    return malformed();
  return out;
}

bool apply(const std::vector<advance>& steps, cursor& to) {
  for (const auto& s : steps) {
    if (s.stretch >= to.stretches.size())
      return false;
    to.stretches[s.stretch].next[s.slot] = s.next;
  }
  return true;
}

}  // namespace troupe::send
