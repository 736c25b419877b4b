// Reads every block through again and again, at a bounded rate, so that damage is found while there
// is something to repair it from; damaged blocks are repaired at once. A pass takes the blocks
// there are at its start, from a random one on (so that restarts do not keep it from any), and the
// next begins a day after it at the earliest. Blocks in which queries met damage come first.
//
// step() by one thread at a time; progress() and places() by any.
#pragma once

#include "storage/base/clock.h"
#include "storage/base/damage.h"
#include "storage/base/random.h"
#include "storage/block/block_check.h"
#include "storage/compact/block_store.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace troupe::storage {

struct scrub_progress {
  uint64_t bytes = 0;          ///< read since the start
  uint64_t damages = 0;        ///< places found since the start
  double pass = 0;             ///< how much of the pass under way is done, 0 to 1; 0 between passes
  timestamp_ms last_pass = 0;  ///< end of the last whole pass; 0: none since the start
};

class scrubber {
 public:
  static constexpr size_t max_places = 1000;
  static constexpr int64_t pass_interval_ms = 24LL * 3600 * 1000;

  /// `bytes_per_s` 0: off.
  scrubber(block_store& blocks, const clock& clk, uint64_t seed, uint64_t bytes_per_s);

  /// A bounded piece of work, if the rate allows one now; true if it may allow another. A failed
  /// repair is tried again in the next pass.
  result<bool> step();
  scrub_progress progress() const;
  /// What was found, the newest max_places.
  std::vector<damaged_place> places() const;

 private:
  void refill();
  bool next_block();
  block_ptr damaged_by_reads(const std::vector<block_ptr>& held);
  void begin_pass(const std::vector<block_ptr>& held);
  void end_pass();
  void begin_check(const block_ptr& block);
  void drop_replaced();
  void note_bytes(uint64_t bytes);
  status end_check();

  block_store& blocks_;
  const clock& clock_;
  const uint64_t bytes_per_s_;
  seeded_random random_;
  int64_t refilled_ns_;
  int64_t credit_ = 0;  ///< bytes that may be read now; negative after a piece larger than that
  bool in_pass_ = false;
  int64_t next_pass_ns_;
  std::vector<std::string> waiting_;  ///< blocks of the pass, the next one last
  std::set<std::string> tried_;       ///< damaged blocks that had their turn in this pass
  uint64_t pass_total_ = 0, pass_done_ = 0;
  block_ptr block_;  ///< in work
  std::unique_ptr<block_check> check_;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  scrub_progress progress_;
  std::vector<damaged_place> places_;
};

}  // namespace troupe::storage
