// Fields of a TimeSeries message as senders write them, read in a single pass: its key (the leading
// fields with number 1: labels, or references to them) and a sample. What is written in an unusual
// way is left to protozero.
#pragma once

#include "storage/model/batch.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace troupe::remote {

/// The byte before a label or before packed references: field 1, length-delimited.
inline constexpr char key_tag = 0x0a;
inline constexpr char sample_tag = 0x12;

/// The varint at `p`; null if it does not end before `end` or has more than 64 bits.
inline const char* read_varint(const char* p, const char* end, uint64_t& out) {
  out = 0;
  for (unsigned shift = 0; shift < 64 && p != end; shift += 7) {
    const auto b = static_cast<uint8_t>(*p++);
    out |= uint64_t{b & 0x7fU} << shift;
    if (b < 0x80)
      return p;
  }
  return nullptr;
}

/// Bytes of the key field in front, with its tag and length; 0 if there is none.
inline uint32_t first_key_bytes(std::string_view message) {
  uint64_t length = 0;
  const char* end = message.data() + message.size();
  if (message.size() < 2 || message[0] != key_tag)
    return 0;
  const char* p = read_varint(message.data() + 1, end, length);
  if (p == nullptr || length > static_cast<uint64_t>(end - p))
    return 0;
  return static_cast<uint32_t>(p + length - message.data());
}

/// Bytes of all key fields in front. Stops before a field that does not fit into the message or
/// whose tag is written in an unusual way.
inline uint32_t all_key_bytes(std::string_view message) {
  uint32_t at = 0;
  while (const uint32_t more = first_key_bytes(message.substr(at)))
    at += more;
  return at;
}

/// If the first `n` bytes are key fields: none follows them. False too for a rare field behind
/// them.
inline bool ends_key(std::string_view message, size_t n) {
  if (message.size() <= n)
    return message.size() == n;
  const char next = message[n];  // samples, exemplars, histograms
  return next == sample_tag || next == 0x1a || next == 0x22;
}

/// Reads the field of one sample at `p`: value, timestamp and start time in this order, each left
/// out if it is 0. Null, and nothing to rely on in `s` and `start`, for anything else.
inline const char* read_sample_field(const char* p, const char* end, float_entry& s,
                                     timestamp_ms& start) {
  constexpr char value_tag = 0x09, timestamp_tag = 0x10, start_tag = 0x18;
  if (end - p < 2 || p[0] != sample_tag)
    return nullptr;
  const auto length = static_cast<uint8_t>(p[1]);
  if (length >= 0x80 || length > end - p - 2)
    return nullptr;
  p += 2;
  const char* const stop = p + length;
  s.value = 0;
  uint64_t ts = 0, from = 0;
  if (p != stop && *p == value_tag) {
    if (stop - p <= static_cast<ptrdiff_t>(sizeof s.value))
      return nullptr;
    std::memcpy(&s.value, p + 1, sizeof s.value);
    p += 1 + sizeof s.value;
  }
  if (p != stop && *p == timestamp_tag)
    p = read_varint(p + 1, stop, ts);
  if (p != nullptr && p != stop && *p == start_tag)
    p = read_varint(p + 1, stop, from);
  s.ts = static_cast<timestamp_ms>(ts);
  start = static_cast<timestamp_ms>(from);
  return p == stop ? p : nullptr;
}

}  // namespace troupe::remote
