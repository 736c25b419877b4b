// write_batch: the slab that moves from scrape or remote write to the shards. Built by one owner,
// immutable once shared as shared_ptr<const write_batch>.
#pragma once

#include "storage/model/histogram.h"
#include "storage/model/labels.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The series a batch speaks of, by position. Immutable once shared. A writer keeps its table
/// between batches and makes a new one only when its series change, so that a shard recognises a
/// known table by its address and does no look-up.
struct series_table {
  std::vector<labels> series;  ///< packed: tables live long
  /// All of one slot: that slot; mixed: -1.
  int uniform_slot = -1;
  std::vector<uint16_t>
      mixed_slots;  ///< slot_of(tenant, series[i]); empty if there is a uniform slot

  uint16_t slot(size_t i) const {
    return uniform_slot >= 0 ? static_cast<uint16_t>(uniform_slot) : mixed_slots[i];
  }
  size_t memory_bytes() const {
    return sizeof(*this) + series.capacity() * sizeof(labels) +
           mixed_slots.capacity() * sizeof(uint16_t);
  }
};
using series_table_ptr = std::shared_ptr<const series_table>;
/// The table of `series` with their slots for `tenant` filled in.
series_table_ptr make_series_table(std::string_view tenant, std::vector<labels> series);
/// A table that goes on where `base` (may be null) ends; `slots` are those of `added`.
series_table_ptr extend_series_table(const series_table* base, std::vector<labels> added,
                                     std::vector<uint16_t> slots);

struct float_entry {
  timestamp_ms ts;
  double value;     ///< bit-exact, any NaN payload
  uint32_t series;  ///< position in the table
};
struct histogram_entry {
  timestamp_ms ts;
  timestamp_ms start_ts;
  histogram_ptr value;
  uint32_t series;
};
struct exemplar_entry {
  exemplar value;
  uint32_t series;
};
struct start_entry {
  uint32_t index;  ///< position in `floats`
  timestamp_ms start_ts;
};
/// Metadata belongs to a metric family of a tenant.
struct metadata_entry {
  std::string family;
  metadata value;
};

struct write_batch {
  std::string tenant;
  /// Stable identity of the target or sender inside its slot (hash of its labels); samples of one
  /// scrape share it.
  uint64_t group = 0;
  series_table_ptr table;
  std::vector<float_entry> floats;
  std::vector<start_entry> starts;  ///< sorted by index; floats without one have none
  std::vector<histogram_entry> histograms;
  std::vector<exemplar_entry> exemplars;
  std::vector<metadata_entry> metadata;
  /// Opaque bytes stored in the same frame (a Kafka offset, a replication position); may be empty.
  std::string source_position;
  /// From another node, which may have it from this one: what is stored already is not logged
  /// again.
  bool taken_over = false;

  size_t sample_count() const { return floats.size() + histograms.size(); }
};
using batch_ptr = std::shared_ptr<const write_batch>;

}  // namespace troupe
