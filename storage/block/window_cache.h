// The chunks that a reader of a block decoded last, of those that are told by others or others by
// them (storage/docs/chunk_format.md): so that whoever reads all buckets of a histogram decodes
// each once. Of one window of time at once. One owner.
#pragma once

#include "storage/chunk/chunk.h"

#include <list>
#include <unordered_map>

namespace troupe::storage {

class window_cache {
 public:
  /// Bounds the memory: 16 to 24 bytes a sample; an entry counts as at least 64. A day at 15 s of
  /// 45 buckets: the labels of other histograms of a target may lie between those of one.
  static constexpr size_t max_samples = 1u << 18;

  /// Forgets everything if it is of another window.
  void enter(timestamp_ms mint, timestamp_ms maxt);
  /// What lies at `offset`, or null. Valid until the next put() or enter().
  const chunk_window* find(uint64_t offset);
  /// Keeps `window`, which was not there, and forgets what was not looked at for longest.
  const chunk_window& put(uint64_t offset, chunk_window window);

 private:
  struct entry {
    uint64_t offset;
    chunk_window window;
    size_t weight;
  };
  timestamp_ms mint_ = 0, maxt_ = 0;
  size_t weight_ = 0;
  std::list<entry> entries_;  // last used first
  std::unordered_map<uint64_t, std::list<entry>::iterator> places_;
};

}  // namespace troupe::storage
