// A stretch of a partition that is read in order: what to make of each record, and how far it is.
// What it reads and what is stored of that are two places: records between them are under way. One
// owner.
#pragma once

#include "pipeline/kafka/cluster.h"
#include "pipeline/topics/offsets.h"
#include "pipeline/topics/record_reader.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

namespace troupe::topics {

/// What came of a record.
struct taken_record {
  enum class what : uint8_t {
    passed_over,  ///< it was handed out twice
    learned,      ///< its samples are stored already
    read,
    unreadable,   ///< `why`; never will be
    rewind,       ///< what it refers to must be read first: from `from` on
    end,          ///< it lies behind the stretch
    other_topic,  ///< where it is there was another one before
  };
  what kind = what::passed_over;
  read_record got;
  bool not_understood = false;    ///< what it refers to is gone
  bool first_of_segment = false;  ///< the first such one
  status why;
  int64_t from = 0;
};

class stretch {
 public:
  /// `known`: see record_reader.
  stretch(uint32_t partition, stretch_place at, const reader_rules& rules,
          std::shared_ptr<remote::series_cache> known);

  uint32_t partition() const { return partition_; }
  /// Everything before it is stored.
  const stretch_place& place() const { return place_; }
  /// The next record to be read for its samples.
  int64_t next() const { return ahead_.next; }
  /// The last record that was read for its samples.
  const std::optional<record_stamp>& last() const { return ahead_.last; }
  /// From where to fetch.
  int64_t fetch_from() const { return at_; }
  /// It has been fetched from there; records before are none of its.
  void rewind_to(int64_t offset) { at_ = offset; }
  bool is_through() const { return ahead_.end && ahead_.next >= *ahead_.end; }

  taken_record take(const kafka::fetched_record& r, std::optional<kafka::offset_range> there);
  /// All that was read is stored.
  void stored();
  /// Time of the oldest record that was read and is not stored.
  std::optional<timestamp_ms> oldest_under_way() const { return oldest_; }

  /// Records before `offset` are gone; how many of them are not stored.
  int64_t skip_to(int64_t offset);

  // --- these want nothing to be under way ---
  /// It ends at `end`, now or later than before; what `stored` has is stored already.
  void end_at(int64_t end, offset_span stored);
  /// What is known of writers from before.
  void add_writers(const std::vector<writer_mark>& more);

  enum class phase : uint8_t {
    waiting,  ///< to be fetched from fetch_from() on
    reading,
    halted,  ///< not to be fetched until somebody decides
  };
  phase now = phase::waiting;
  bool is_new = true;  ///< it never was read
  /// It was, since it began, as far as the topic is.
  bool caught_up = true;
  /// Halted since more is missing than it shall read before the newest: the topic ends here.
  std::optional<int64_t> late;
  /// It begins with the first record that there is, whatever that is.
  bool is_begin_unknown = false;
  /// When something of it was stored last there was no more.
  bool at_end = false;

 private:
  using segment_id = std::tuple<uint64_t, uint64_t, uint32_t>;

  taken_record learn(const kafka::fetched_record& r);
  /// Records before this one were not handed out, though the topic has them.
  bool has_passed_over(const kafka::fetched_record& r,
                       const std::optional<kafka::offset_range>& there);
  /// The record has samples, and what they refer to was not read.
  std::optional<record_header> lacks(const kafka::fetched_record& r) const;
  std::optional<int64_t> rewind_for(const record_header& h, const kafka::fetched_record& r,
                                    std::optional<kafka::offset_range> there);
  void advance(const kafka::fetched_record& r);
  void note(const read_record& got, timestamp_ms ts);
  void note(const writer_mark& mark);

  const uint32_t partition_;
  record_reader reader_;
  stretch_place place_;
  stretch_place ahead_;
  int64_t at_ = 0;  ///< the next record that is looked at
  std::optional<timestamp_ms> oldest_;
  std::optional<int64_t> missed_;  ///< what was fetched once more, since it was passed over
  std::set<segment_id> tried_;     ///< what their first records say was asked for
  std::set<segment_id> told_;      ///< that cannot be understood
};

/// Up to when all that writers have written is stored, as far as this partition tells. Absent: not
/// known; max_time: it says nothing against any time. `at_end`: there is no more in it.
std::optional<timestamp_ms> complete_until(const stretch_place& p, bool at_end, int64_t now_ms);

/// The troupe nodes among marks of a topic's partitions, as far as each is in all of them; without
/// those that were silent for an hour before the last one was heard.
std::vector<writer_mark> nodes_of(const std::vector<writer_mark>& marks);

}  // namespace troupe::topics
