// Where the labels of a TimeSeries message end: its leading fields with number 1, as senders write
// them. Without a look into the labels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace troupe::remote {

/// The byte before a label: field 1, length-delimited.
inline constexpr char label_tag = 0x0a;

/// Bytes of the label fields in front. Stops before a field that does not fit into the message or
/// whose tag is written in an unusual way.
inline uint32_t label_bytes(std::string_view message) {
  size_t at = 0;
  while (at + 1 < message.size() && message[at] == label_tag) {
    size_t p = at + 1;
    uint64_t length = 0;
    for (unsigned shift = 0;; shift += 7) {
      if (p == message.size() || shift > 28)
        return static_cast<uint32_t>(at);
      const auto b = static_cast<uint8_t>(message[p++]);
      length |= uint64_t{b & 0x7fU} << shift;
      if (b < 0x80)
        break;
    }
    if (length > message.size() - p)
      break;
    at = p + length;
  }
  return static_cast<uint32_t>(at);
}

/// If the first `n` bytes are label fields: no label follows them. False too for a rare field
/// behind them.
inline bool ends_labels(std::string_view message, size_t n) {
  if (message.size() <= n)
    return message.size() == n;
  const char next = message[n];  // samples, exemplars, histograms
  return next == 0x12 || next == 0x1a || next == 0x22;
}

}  // namespace troupe::remote
