// Where a subscription goes on at its source, as text that the subscriber keeps without reading it.
// Plain values.
#pragma once

#include "pipeline/send/cursor.h"
#include "storage/base/result.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::federate {

struct stream_cursor {
  /// As many as fit into the headers of an answer.
  static constexpr size_t most_stretches = 4;

  uint64_t source = 0;     ///< the id of the source's data
  timestamp_ms as_of = 0;  ///< all that was written before has been handed out
  send::cursor at;
  bool operator==(const stream_cursor&) const = default;
};

/// base64 of: u8 version, u64 source, svarint as_of, send::cursor
std::string to_text(const stream_cursor& c);
/// corruption if the text is none.
result<stream_cursor> read_cursor(std::string_view text);

}  // namespace troupe::federate
