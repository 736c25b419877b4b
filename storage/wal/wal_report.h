// What a reader could not give back, exactly counted by reason. Plain values.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::storage {

enum class wal_loss : uint8_t {
  torn_tail,        ///< an incomplete frame at the end of a run's last segment: was never acked
  bad_frame,        ///< magic, length or checksum do not hold
  bad_body,         ///< the checksum holds, the content does not parse
  behind_gap,       ///< float samples behind damage with no later key frame of their group
  unknown_series,   ///< samples of a reference whose dictionary entry is lost
  missing_segment,  ///< a number is absent between two segments of a run
  foreign_file,     ///< a file in the log's folder that is not ours
  read_error,       ///< the disk refused to give a range back
  duplicate,        ///< a frame or file seen before: skipped, nothing lost
};
inline constexpr size_t wal_loss_count = 9;
std::string_view to_string(wal_loss reason);

struct wal_damage {
  wal_loss reason;
  std::string file;
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

struct wal_report {
  uint64_t frames = 0;            ///< decoded
  uint64_t samples = 0;           ///< handed to the sink
  uint64_t samples_lost = 0;      ///< known to be lost (behind_gap, unknown_series)
  uint64_t frames_missing = 0;    ///< sequence numbers of streams that never showed up
  uint64_t frames_recovered = 0;  ///< decoded backwards from a key frame
  std::array<uint64_t, wal_loss_count> counts{};  ///< events by reason
  std::vector<wal_damage> damages;                ///< the first max_damages of them
  static constexpr size_t max_damages = 1000;

  uint64_t count(wal_loss reason) const { return counts[static_cast<size_t>(reason)]; }
  void add(wal_loss reason, std::string file, uint64_t offset, uint64_t bytes);
  /// Nothing is lost but, perhaps, a tail that was never acked.
  bool clean() const;
};

}  // namespace troupe::storage
