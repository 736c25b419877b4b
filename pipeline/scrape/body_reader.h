// Reads one body of one target: known lines by their place, new ones through parser and
// relabelling, into a batch. On failure the target's memory is as before. One owner; the scratch is
// shared by all targets of a pool.
#pragma once

#include "pipeline/parse/exposition.h"
#include "pipeline/scrape/job_rules.h"
#include "pipeline/scrape/line_cache.h"
#include "storage/model/batch.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace troupe::scrape {

/// Buffers that keep their capacity between scrapes, and what a pool knows across its targets.
struct scrape_scratch {
  uint64_t line_secret = 0;  ///< keys the line hashes
  labels_builder builder;
  std::vector<std::string> empty_names;
  std::vector<line_entry> next_lines;
  std::vector<uint32_t> line_index;  ///< line + 1 by hash, while the order is unstable
  bitmap seen;                       ///< series of this body, dropped samples included
  bitmap seen_plain;                 ///< of these, seen without a timestamp of their own
  bitmap tracked;
  std::vector<std::pair<uint64_t, timestamp_ms>> starts;  ///< start key to start time
  /// Metadata that was sent already, by hash: families are the same on most targets of a pool.
  std::unordered_set<uint64_t> sent_metadata;
};

/// A series that is seen for the first time gets no zero at a start time further back.
inline constexpr int64_t oldest_zero_ms = 3'600'000;

/// What one body was; the counts are those of the automatic series, also after a failure.
struct body_counts {
  uint64_t scraped = 0;       ///< samples exposed
  uint64_t post_relabel = 0;  ///< left after metric relabelling
  uint64_t series_added = 0;
  uint64_t duplicates = 0;     ///< same series (and time) again: the first one won
  uint64_t out_of_bounds = 0;  ///< more than ten minutes ahead
  uint64_t known_lines = 0;    ///< recognised by their place or by their hash
  uint64_t new_lines = 0;
  bool sample_limit_hit = false;
  bool bucket_limit_hit = false;  ///< of a native histogram
  bool label_limit_hit = false;
};

struct body_request {
  std::string_view body;
  parse::exposition_format format = parse::exposition_format::text;
  timestamp_ms time = 0;      ///< of samples without one
  timestamp_ms max_time = 0;  ///< later samples are out of bounds
  /// A zero at the start time of every series that has one and began since the last body; the
  /// `_created` lines are not stored then (Prometheus' created-timestamp-zero-ingestion).
  bool zero_at_start = false;
};

/// Appends the body's samples, start timestamps, exemplars and new metadata to `out` (its table is
/// set by the caller) and leaves in scratch.tracked the series that are to be tracked now. On
/// failure `out` holds what came before it and is to be thrown away.
status read_body(const body_request& request, const job_rules& job, const labels& target_labels,
                 target_memory& memory, scrape_scratch& scratch, write_batch& out,
                 body_counts& counts);

}  // namespace troupe::scrape
