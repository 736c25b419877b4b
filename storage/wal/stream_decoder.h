// Frames to batches: dictionary, XOR state, gaps and recovery backwards from key frames. Handles
// one run (epoch and shard) at a time; series numbers last over runs. One owner.
#pragma once

#include "storage/base/result.h"
#include "storage/model/slot.h"
#include "storage/wal/frame.h"
#include "storage/wal/resume_point.h"
#include "storage/wal/section.h"
#include "storage/wal/segment_header.h"
#include "storage/wal/wal_batch.h"
#include "storage/wal/wal_report.h"

#include <array>
#include <bitset>
#include <cstdint>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe::storage {

class stream_decoder {
 public:
  /// Frames of other slots are skipped.
  stream_decoder(const std::bitset<slot_count>& slots, wal_report& report)
      : slots_(slots), report_(report) {}

  /// Bounds the bytes of what references stand for and of what waits. Sections that would pass the
  /// first are malformed; what waits is given up before it passes the second.
  void limit_memory(size_t state_bytes, size_t waiting_bytes);
  uint64_t memory_bytes() const { return group_bytes_ + dictionary_bytes_ + waiting_bytes_; }

  /// From here on these slots are skipped too (a later checkpoint has taken them over).
  void skip_slots(const std::bitset<slot_count>& skip) { skip_ = skip; }
  /// What references of a run stand for that are not told again, before its first frame. The number
  /// of the first of the series; the others follow it.
  uint32_t restore(uint64_t epoch, const wal_references& from);
  /// One intact frame, in log order. corruption if its content does not parse (report it; the
  /// decoder goes on), else what the sink said.
  status apply(const frame& f, wal_sink& sink);
  /// The streams' positions at the start of a segment: tells which frames before it never showed
  /// up.
  void expect(const segment_header& header);
  /// The run ends: gives back what needs no state of the frames still waiting, counts the rest,
  /// forgets references.
  status end_run(wal_sink& sink);

  /// Drops the series numbers given out so far; after end_run only.
  void forget_dictionary() {
    dictionary_.clear();
    dictionary_bytes_ = 0;
  }

  const std::vector<wal_series>& dictionary() const { return dictionary_; }
  /// Of that stream in the epoch being read; 0: none.
  uint64_t last_sequence(uint16_t stream) const { return last_sequence_[stream]; }
  /// Frames that wait for a key frame.
  size_t waiting() const { return waiting_frames_; }

 private:
  /// A section that cannot be decoded yet; or a tombstone (no group) that must come after those
  /// before it.
  struct waiting_section {
    std::string bytes;
    std::string source_position;
    uint64_t sequence;
    uint64_t number;
    timestamp_ms ts;
    bool has_group;
  };
  struct group {
    std::string_view tenant;
    uint64_t key = 0;
    uint64_t epoch = 0;
    uint16_t slot = 0;
    bool known = false;  // `last` is the state before section `next`
    uint64_t next = 0;
    std::vector<uint32_t> ids;  // of the series, none where the dictionary is lost
    std::vector<uint64_t> last;
    std::vector<waiting_section> waiting;
  };
  struct context {
    uint16_t slot;
    uint64_t sequence;
    timestamp_ms ts;
    uint64_t epoch;
    std::string_view tenant;
    std::string_view source_position;
  };

  bool wanted(uint64_t slot) const { return slot < slot_count && slots_[slot] && !skip_[slot]; }
  std::string_view intern(std::string_view tenant);
  /// Null if there is no memory for one more.
  group* group_of(const context& c, const section& s);
  void forget_group(uint64_t key);
  bool may_remember(size_t more) const;
  bool grow_state(group& g, const std::vector<uint32_t>& index);
  bool first_seen(uint16_t slot, uint64_t sequence);
  status apply_dictionary(const frame& f, std::string_view body);
  status apply_envelope(const frame& f, std::string_view body, wal_sink& sink);
  status apply_section(const context& c, std::string_view bytes, wal_sink& sink);
  status apply_groupless(const context& c, std::string_view bytes, const section& s,
                         wal_sink& sink);
  bool add_dictionary(group& g, std::string_view part);
  status wait(group& g, uint64_t key, const context& c, std::string_view bytes, const section& s,
              wal_sink& sink);
  void stop_waiting(group& g, uint64_t key);
  status resolve_waiting(group& g, uint64_t key, wal_sink& sink);
  status give_up_waiting(group& g, uint64_t key, wal_sink& sink);
  status emit_waiting(const group& g, const waiting_section& w, const std::vector<uint64_t>* values,
                      wal_sink& sink);
  /// `values` null: the floats are lost.
  status emit(const context& c, const section& s, const group* g, const float_columns& f,
              const std::vector<uint64_t>* values, bool recovered, wal_sink& sink);
  void fill_floats(const section& s, const group& g, const float_columns& f,
                   const std::vector<uint64_t>& values);
  template <class Entries>
  void resolve_ids(const group* g, Entries& entries, bool samples);
  uint32_t id_of(const group& g, uint32_t index) const;

  std::bitset<slot_count> slots_;
  std::bitset<slot_count> skip_;
  wal_report& report_;
  std::set<std::string, std::less<>> tenants_;
  std::vector<wal_series> dictionary_;
  std::unordered_map<uint64_t, std::unique_ptr<group>> groups_;
  std::array<uint64_t, slot_count> last_sequence_{};
  std::vector<uint64_t> waiting_groups_;  // keys of groups_ with waiting sections
  size_t waiting_frames_ = 0;
  size_t waiting_bytes_ = 0;
  size_t group_bytes_ = 0;
  size_t dictionary_bytes_ = 0;
  size_t max_state_bytes_ = std::numeric_limits<size_t>::max();
  size_t max_waiting_bytes_ = 256u << 20;
  bool positions_known_ = false;  // a segment header told where the streams stand
  wal_batch batch_;
  float_columns floats_;
  std::vector<uint64_t> values_;
  key_columns key_;
  std::string scratch_;
};

}  // namespace troupe::storage
