// How far a remote-write destination is, as it is kept on disk: per stream of the log the place of
// the next entry to send. Plain values.
#pragma once

#include "storage/base/result.h"
#include "storage/log_door.h"
#include "storage/model/slot.h"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::send {

/// An entry of a frame of a stream: floats count first, then histograms, then exemplars.
struct place {
  uint64_t epoch = 0;
  uint64_t sequence = 0;
  uint32_t entry = 0;
  auto operator<=>(const place&) const = default;
};
using places = std::array<place, slot_count>;

/// A stretch of the log that is sent in order: the present, or what was missed and follows beside
/// it. Stretches of one destination do not overlap.
struct stretch {
  /// Everything before is acknowledged or given up.
  places next{};
  /// By shard, where reading begins to find all from `next` on.
  std::vector<storage::log_segment> from;
  /// Everything from here on belongs to a later stretch; absent: it goes on with the log.
  std::optional<places> end;
  /// By shard, the segment with the end; as long as `from`, or empty.
  std::vector<storage::log_segment> end_from;
  bool operator==(const stretch&) const = default;
};

/// By shard of `log`, where reading of the stretch begins: in a run with another number of shards
/// each one's streams may be anywhere.
std::vector<storage::log_segment> starts_of(const stretch& s, const storage::log_door& log);

struct cursor {
  std::vector<stretch> stretches;  ///< oldest first; the last one has no end
  bool operator==(const cursor&) const = default;
};

/// Something acknowledged: `next` of one stream of a stretch.
struct advance {
  uint32_t stretch = 0;  ///< its index
  uint16_t slot = 0;
  place next;
  bool operator==(const advance&) const = default;
};

std::string encode(const cursor& c);
std::string encode(const std::vector<advance>& steps);
/// corruption if the bytes are none.
result<cursor> decode_cursor(std::string_view bytes);
/// corruption if the bytes are none; a stretch that is not there is refused by apply().
result<std::vector<advance>> decode_advances(std::string_view bytes);
/// False: a step belongs to no stretch.
bool apply(const std::vector<advance>& steps, cursor& to);

}  // namespace troupe::send
