// Frames one after the other in a file that is only appended to. Each continues the checksum of the
// one before, so that what a damaged or missing frame leaves behind is not taken for a file:
//
//   frame = u32 length of the body, u32 crc32c of the body continued from the frame before (the
//           first one: 0), body: u8 kind, content
#pragma once

#include "storage/base/coding.h"
#include "storage/base/hash.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// Appends a frame that continues `crc`, which becomes its own.
inline void put_chained_frame(std::string& out, uint8_t kind, std::string_view content,
                              uint32_t& crc) {
  std::string body;
  body.reserve(1 + content.size());
  put_u8(body, kind);
  body += content;
  crc = crc32c(body, crc);
  put_u32(out, static_cast<uint32_t>(body.size()));
  put_u32(out, crc);
  out += body;
}

struct chained_frame {
  uint8_t kind = 0;
  std::string_view content;  ///< a view into the input
};
/// The next frame; none if there is none that holds.
inline std::optional<chained_frame> take_chained_frame(byte_reader& in, uint32_t& crc) {
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

}  // namespace troupe
