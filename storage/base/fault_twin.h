// Fault twins: planted bugs that the test suite must catch (tests/actors/twins_test.cc). In a
// release build TROUPE_FAULT(x) is the constant false and nothing of a twin is compiled in.
#pragma once

#ifdef TROUPE_FAULT_TWINS
#include <atomic>

namespace troupe {

enum class fault_twin : unsigned char {
  none,
  skip_fsync,              ///< WAL commit returns without fdatasync
  ack_early,               ///< a batch is acked before its commit
  apply_twice,             ///< a duplicate of a sample is stored again
  drop_tail,               ///< the WAL reader stops one frame early
  lose_dictionary,         ///< one dictionary frame is not written
  segment_cut_off_by_one,  ///< the last frame before a segment cut is lost at replay
  ignore_staleness,        ///< a stale marker is stored as an ordinary NaN
  swap_values,             ///< two series of one frame exchange their values
  skip_key_frame,          ///< a key frame carries a wrong state
  compact_drops_last,      ///< the compactor drops a series' last sample
  conflict_first_wins,     ///< of two values for one timestamp the first wins, whatever the order
  tombstone_overreach,     ///< a deletion removes one sample too many
  snapshot_drops_series,   ///< some series are left out of a snapshot of the head
  cursor_before_delivery,  ///< what is published counts as done when it is handed to Kafka
  offset_before_storage,   ///< the place in a topic moves before storage has the samples
  session_from_the_end,    ///< after an error the publisher goes on at the end of the log
};

/// The one bug that is active in this process; tests set it.
inline std::atomic<fault_twin> active_fault_twin{fault_twin::none};

}  // namespace troupe

#define TROUPE_FAULT(name) \
  (::troupe::active_fault_twin.load(std::memory_order_relaxed) == ::troupe::fault_twin::name)
#else
#define TROUPE_FAULT(name) false
#endif
