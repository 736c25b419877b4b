// Batches to frames: dictionary, XOR state and key frames of all streams of one log. Nothing counts
// until commit(). One owner.
#pragma once

#include "storage/base/result.h"
#include "storage/model/batch.h"
#include "storage/model/slot.h"
#include "storage/wal/frame.h"
#include "storage/wal/group_state.h"
#include "storage/wal/position_map.h"
#include "storage/wal/resume_point.h"
#include "storage/wal/section.h"
#include "storage/wal/wal_batch.h"

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe::storage {

/// Frames ready to be written, the dictionary entries among them once more for the series log, and
/// how many frames.
struct encoded_frames {
  std::string frames;
  std::string dictionary;
  size_t count = 0;
  void clear();
};

class frame_encoder {
 public:
  struct settings {
    uint64_t epoch = 0;
    uint32_t salt = 0;
    uint32_t shard = 0;
    uint32_t shards = 1;
    uint32_t key_frame_interval = 64;
    bool compression = true;
    bool decimal_steps = false;  ///< smaller frames for more time
  };

  explicit frame_encoder(const settings& s) : settings_(s) {}

  /// invalid_argument (nothing happened) for a series of another shard, a tenant above 255 bytes, a
  /// label set or string above 1 MiB, an index outside of the table.
  status append(const write_batch& batch, const wal_refused& refused, encoded_frames& out);
  status append_tombstones(std::string_view tenant, std::span<const tombstone_entry> entries,
                           encoded_frames& out);

  /// From now on every group's next section is a key frame. After a `full` segment groups that were
  /// idle through the last two are closed. With `fresh` all group numbers are given up, each closed
  /// when its group comes back.
  void begin_segment(bool full, bool fresh, encoded_frames& out);
  /// Most of the described series have not been seen in the last full segment.
  bool mostly_garbage() const;
  /// A closing key frame for every group.
  void close_groups(encoded_frames& out);

  /// What was encoded since the last call is on stable storage.
  void commit();
  /// It is not: everything but group numbers is as it was.
  void rollback();

  /// Streams that have frames, with their next sequence.
  std::vector<std::pair<uint16_t, uint64_t>> next_sequences() const;
  /// Of all group numbers that later sections may use; nothing may be uncommitted.
  std::vector<wal_references> references() const;
  uint64_t series_count() const;
  uint64_t memory_bytes() const;

 private:
  struct sender {
    std::string tenant;
    uint64_t group = 0;
    series_table_ptr table;
    position_map index;  // of the table's series in their slot's group
    std::map<uint16_t, std::unique_ptr<group_state>> groups;
  };
  using sender_key = std::pair<uint64_t, std::string_view>;
  struct sender_hash {
    size_t operator()(const sender_key& k) const {
      return k.first ^ std::hash<std::string_view>()(k.second);
    }
  };
  /// What one frame will hold of one slot.
  struct slot_part {
    group_state* group = nullptr;
    float_columns floats;  // xors: bits until the section is encoded
    std::vector<start_entry> starts;
    std::string histograms, exemplars, metadata, tombstones;
    std::string bytes;             // the section
    std::string dictionary_bytes;  // the section of the series log, if any
    void clear();
  };

  status check_batch(const write_batch& batch) const;
  sender& find_sender(std::string_view tenant, uint64_t group);
  void bind_table(sender& s, const write_batch& batch, encoded_frames& out);
  uint16_t home_slot(const write_batch& batch) const;
  slot_part& used_part(uint16_t slot) { return parts_[part_of_[slot] - 1]; }
  slot_part& part_of(uint16_t slot);
  slot_part& part_of(sender& s, uint16_t slot);
  uint32_t resolve(sender& s, slot_part& part, uint32_t position);
  void add_run(sender& s, slot_part& part, std::span<const float_entry> run);
  void add_floats(sender& s, const write_batch& batch, std::span<const uint32_t> refused,
                  encoded_frames& out);
  void add_others(sender& s, const write_batch& batch, const wal_refused& refused,
                  encoded_frames& out);
  void chunk_full(std::string_view tenant, encoded_frames& out);
  void encode_section(slot_part& part, bool closes);
  void put_key_part(group_state& g, slot_part& part);
  void put_dictionary_part(group_state& g, slot_part& part);
  void flush(std::string_view tenant, std::string_view source_position, encoded_frames& out);
  bool worth_packing(size_t body_bytes);
  void close_group(const sender& s, group_state& g, encoded_frames& out);
  void drop_group(sender& s, uint16_t slot);

  settings settings_;
  std::map<sender_key, std::unique_ptr<sender>> senders_;  // in the order they are closed in
  std::unordered_map<sender_key, sender*, sender_hash> sender_index_;
  std::array<uint64_t, slot_count> next_sequence_{};
  std::array<uint64_t, slot_count> committed_sequence_{};
  std::array<uint64_t, slot_count> next_group_number_{};
  std::deque<slot_part> parts_;                 // the first used_slots_.size() are in use
  std::array<uint16_t, slot_count> part_of_{};  // number + 1
  std::vector<uint16_t> used_slots_;
  size_t chunk_bytes_ = 0;
  timestamp_ms frame_ts_ = 0;
  bool frame_ts_set_ = false;
  uint32_t segment_ = 0;
  uint32_t full_segments_ = 0;
  uint32_t generation_ = 0;
  uint64_t described_ = 0;  // series, since the generation began
  uint64_t dictionaries_ = 0;
  unsigned skip_packing_ = 0;
  bool always_pack_ = false;
  std::string body_;
  std::string content_;
  std::vector<uint64_t> values_;
  key_columns key_;
  undo_journal journal_;
  std::vector<std::pair<sender*, uint16_t>> created_;
  std::vector<std::pair<sender*, std::unique_ptr<group_state>>> removed_;
};

}  // namespace troupe::storage
