// For the damage tests: which frame of the log holds which samples. Plain values.
#pragma once

#include "tests/storage/wal/wal_kit.h"

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace troupe::storage {

/// Names a section over all starts.
using section_id = std::tuple<uint64_t, uint16_t, uint64_t>;  // epoch, slot, sequence

struct section_info {
  section_id id;
  bool has_group = false;
  bool key = false;
  uint64_t group_number = 0;
  uint64_t number = 0;
};

struct frame_info {
  std::string path;
  uint64_t offset = 0;
  uint64_t length = 0;
  std::vector<section_info> sections;
};

/// All intact frames of the fixture's segments, in order of files and offsets.
std::vector<frame_info> frames_of(log_fixture& log);

/// What came back, by section; tells which sections are not whole.
class section_collector final : public wal_sink {
 public:
  status apply(const wal_batch& batch) override;
  std::map<section_id, log_content> sections;
  /// Sections of `whole` of which anything is absent here. EXPECTs that nothing here contradicts or
  /// exceeds `whole`.
  std::set<section_id> damaged_against(const section_collector& whole) const;
};

/// A new start, without a writer, read to its end.
section_collector read_sections(log_fixture& log);

/// Sections that damage to the frame at `offset` of `path` may cost at most: its own, and what lies
/// behind it in the same group number if no key frame follows.
std::set<section_id> allowed_loss(const std::vector<frame_info>& frames, const std::string& path,
                                  uint64_t offset);

}  // namespace troupe::storage
