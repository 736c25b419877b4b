// A section (one stream's part of a frame) and its columns, as bytes and as plain vectors. Pure
// functions without state: XORs stay XORs here. Readers return false on anything malformed and
// never allocate more than the bytes can carry.
#pragma once

#include "storage/base/coding.h"
#include "storage/wal/wal_batch.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::storage {

enum class part_kind : uint8_t {
  dictionary = 1,
  key = 2,
  floats = 3,
  starts = 4,
  histograms = 5,
  exemplars = 6,
  metadata = 7,
  tombstones = 8,
};
inline constexpr size_t part_kinds = 9;

inline constexpr uint8_t section_has_group = 1;
inline constexpr uint8_t section_is_key = 2;
inline constexpr uint8_t section_closes = 4;  ///< the last one of its group number

struct section {
  bool has_group = false;
  bool key = false;
  bool closes = false;
  uint64_t group_number = 0;
  uint64_t number = 0;  ///< counts the group number's sections from 0
  std::string_view parts[part_kinds];

  std::string_view part(part_kind kind) const { return parts[static_cast<size_t>(kind)]; }
};

void put_section_head(const section& s, std::string& out);
void put_part(part_kind kind, std::string_view content, std::string& out);
/// Parts of unknown kinds are skipped; a kind twice is malformed.
bool read_section(std::string_view bytes, section& out);

// Columns.
void put_index_set(std::span<const uint32_t> indices, std::string& out);
bool read_index_set(byte_reader& in, std::vector<uint32_t>& out);
/// XORs of values with their previous ones.
void put_value_column(std::span<const uint64_t> xors, std::string& out);
bool read_value_column(byte_reader& in, size_t n, std::vector<uint64_t>& out);

/// Powers of ten of a decimal step (decimal_step.h).
inline constexpr uint8_t decimal_forms = 8;

/// Floats of one section, in order. `xors` of stale samples is 0.
struct float_columns {
  std::vector<uint32_t> index;
  std::vector<timestamp_ms> ts;
  std::vector<uint8_t> stale;
  std::vector<uint64_t> xors;
  /// Empty, or per sample: 0, or 1 + form of the decimal step whose zigzag is in `xors`.
  std::vector<uint8_t> forms;
  size_t size() const { return index.size(); }
  void clear();
};
void put_floats(const float_columns& columns, timestamp_ms frame_ts, std::string& out);
bool read_floats(std::string_view part, timestamp_ms frame_ts, float_columns& out);

/// References and the bits of their values.
struct key_columns {
  std::vector<uint32_t> index;
  std::vector<uint64_t> values;
};
void put_key(const key_columns& columns, std::string& out);
bool read_key(std::string_view part, key_columns& out);

/// New series of a group number.
struct dictionary_part {
  uint64_t group = 0;
  uint64_t first = 0;
  std::vector<labels> series;
};
void put_dictionary(uint64_t group, uint64_t first, std::span<const labels> series,
                    std::string& out);
bool read_dictionary(std::string_view part, dictionary_part& out);

/// `index` of the entries below are indices of the group number's series (in memory: entry.series).
void put_starts(std::span<const start_entry> starts, std::span<const timestamp_ms> ts,
                std::string& out);
bool read_starts(std::string_view part, std::span<const timestamp_ms> ts,
                 std::vector<start_entry>& out);
void put_histogram(const histogram_entry& entry, timestamp_ms frame_ts, std::string& out);
bool read_histograms(std::string_view part, timestamp_ms frame_ts,
                     std::vector<histogram_entry>& out);
void put_exemplar(const exemplar_entry& entry, timestamp_ms frame_ts, std::string& out);
bool read_exemplars(std::string_view part, timestamp_ms frame_ts, std::vector<exemplar_entry>& out);
void put_metadata(const metadata_entry& entry, std::string& out);
bool read_metadata(std::string_view part, std::vector<metadata_entry>& out);
void put_tombstone(const tombstone_entry& entry, std::string& out);
bool read_tombstones(std::string_view part, std::vector<tombstone_entry>& out);

}  // namespace troupe::storage
