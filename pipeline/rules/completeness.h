// Whether all data that a group's rules read were here when an instant was evaluated, and who was
// behind. Plain values and pure functions over thread-safe boards.
#pragma once

#include "pipeline/ingest/input_marks.h"
#include "pipeline/ingest/watermarks.h"
#include "pipeline/rules/definition.h"
#include "storage/model/matcher.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::rules {

/// Who brings data, and how far that is. Either may be null.
struct input_boards {
  ingest::input_marks* marks = nullptr;            ///< of senders
  const ingest::watermarks* watermarks = nullptr;  ///< of other nodes and regions
};

/// A source of which later data may be missing.
struct missing_source {
  std::string name;                        ///< `consume "east"`, `sender 10.0.0.7`
  timestamp_ms complete_until = min_time;  ///< min_time: nothing is known of it
  bool operator==(const missing_source&) const = default;
};

/// What was missing for an instant.
struct missing_data {
  std::vector<missing_source> sources;  ///< that the group's rules may read; empty: all was here
  /// By rule: other nodes and regions that are behind, for the annotation of its alerts; empty: no
  /// rule's.
  std::vector<std::string> notes;
};

/// Of a group over time.
struct incomplete_evaluations {
  uint64_t count = 0;
  timestamp_ms last_instant = 0;
  std::vector<missing_source> sources;  ///< at that one
};

/// Selectors of each rule's expression.
using rule_selectors = std::vector<std::vector<matchers>>;
rule_selectors selectors_of(const group_definition& group);

/// What rules that read data up to `until` miss. `complete_until`: what their clock was told; when
/// it is less they are evaluated all the same, since the wait ran out.
missing_data missing_of(const rule_selectors& rules, timestamp_ms until,
                        timestamp_ms complete_until, timestamp_ms now, const input_boards& boards);

/// `consume "east" is 5m behind, sender 10.0.0.7 is 12s behind`, as of `until`.
std::string describe(const std::vector<missing_source>& sources, timestamp_ms until);

}  // namespace troupe::rules
