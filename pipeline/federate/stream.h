// What a subscriber and its source say to each other, whatever carries it. Plain values.
#pragma once

#include "storage/base/result.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::federate {

struct stream_request {
  std::string subscription;                   ///< unique among the source's subscribers
  std::vector<std::string> selectors;         ///< a series that one of them selects
  std::map<std::string, std::string> labels;  ///< for series that have them not
  uint64_t keep_bytes = 0;  ///< most the source keeps of its log while the subscriber is away
  int64_t wait_ms = 0;      ///< the answer is held so long if there is nothing to tell
  std::string cursor;       ///< of the last answer whose samples are stored; "": there was none
};

/// The log that was to be handed out was gone: what was written in this time may be missing.
struct stream_gap {
  timestamp_ms from = 0, to = 0;
  uint64_t segments = 0;  ///< of the log, at least
  bool operator==(const stream_gap&) const = default;
};

/// Why a stream did not go on where the cursor says, but with all that the source's log has.
enum class stream_start : uint8_t {
  goes_on,
  anew,        ///< there was no cursor
  other_data,  ///< the source is on other data than the cursor is of, or was set back
  unreadable,  ///< the cursor is none
};

struct stream_answer {
  /// invalid_argument for a request that will not do, unavailable for one that may later.
  status error;
  std::string body;    ///< a request of remote write 2.0, compressed by the source; "": nothing new
  std::string cursor;  ///< behind it
  uint64_t samples = 0;
  int64_t lag_ms = 0;    ///< how long the oldest sample behind the cursor has been in the log
  uint64_t damaged = 0;  ///< samples that damage of the source's log took, since the last answer
  std::optional<stream_gap> gap;
  stream_start start = stream_start::goes_on;
};

}  // namespace troupe::federate
