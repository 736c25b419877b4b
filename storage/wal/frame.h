// The frame: header, checksum, LZ4. The same bytes serve log, replication and Kafka
// (storage/docs/wal_format.md). Pure functions; no allocation is made on the word of unchecked
// bytes.
#pragma once

#include "storage/base/result.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::storage {

inline constexpr uint32_t frame_magic = 0x46505254;  // "TRPF"
inline constexpr size_t frame_header_bytes = 48;     // without the tenant
inline constexpr size_t max_frame_bytes = 64u << 20;
inline constexpr size_t max_tenant_bytes = 255;
inline constexpr uint8_t frame_version = 1;
inline constexpr uint16_t no_stream = 0xffff;

enum class frame_kind : uint8_t { segment_header = 1, stream = 2, envelope = 3, dictionary = 4 };

struct frame_header {
  frame_kind kind = frame_kind::stream;
  uint8_t version = frame_version;
  uint16_t stream = no_stream;
  uint32_t salt = 0;
  uint64_t epoch = 0;
  uint64_t sequence = 0;
  timestamp_ms ts = 0;
  std::string_view tenant;
};

/// Appends the frame to `out`; with `compress` the body is packed if that saves an eighth. True if
/// it was packed. The caller keeps body + header below max_frame_bytes and the tenant below
/// max_tenant_bytes.
bool put_frame(const frame_header& header, std::string_view body, bool compress, std::string& out);

enum class frame_state : uint8_t {
  intact,
  incomplete,  ///< a plausible start whose length leads past the end of `data`
  bad,
};

/// A checked frame, its views inside the bytes it was found in.
struct frame {
  frame_header header;
  uint32_t length = 0;
  std::string_view stored_body;  ///< as stored
  bool packed = false;
};

/// Looks at the start of `data`: magic, length, checksum, header length. On `incomplete` and `bad`
/// with a plausible header out.length is what the length field says (else 0).
frame_state check_frame(std::string_view data, frame& out);
/// The body, unpacked into `scratch` if need be. corruption if that fails.
result<std::string_view> frame_body(const frame& f, std::string& scratch);
/// Offset of the next whole intact frame with this salt at or behind `from`, or npos. `any_salt`
/// for a file whose header is lost.
size_t find_frame(std::string_view data, size_t from, uint32_t salt, bool any_salt);

}  // namespace troupe::storage
