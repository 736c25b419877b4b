// The alerts that wait for one Alertmanager: bounded, oldest dropped, of each alert only its newest
// state. One owner.
#pragma once

#include "pipeline/notify/alert.h"

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

namespace troupe::notify {

class alert_queue {
 public:
  /// `capacity` in alerts, at least 1.
  explicit alert_queue(size_t capacity) : capacity_(capacity) {}

  /// A waiting state of the same alert is replaced, and its place lost. Returns how many of the
  /// oldest were dropped for room.
  size_t push(const std::vector<alert_ptr>& alerts);
  /// The oldest, at most `most`.
  std::vector<alert_ptr> take(size_t most);
  /// Returns to the front what take() gave and could not be sent, but for alerts of which a newer
  /// state waits. Returns as push().
  size_t put_back(const std::vector<alert_ptr>& alerts);
  size_t size() const { return waiting_.size(); }
  bool empty() const { return waiting_.empty(); }
  size_t capacity() const { return capacity_; }

 private:
  using place = std::list<alert_ptr>::iterator;
  using place_map = std::unordered_multimap<uint64_t, place>;

  /// By the hash of the alert's labels.
  place_map::iterator find(const alert& a);
  void forget(place p);
  size_t drop_oldest();

  size_t capacity_;
  std::list<alert_ptr> waiting_;  ///< oldest first
  place_map places_;
};

}  // namespace troupe::notify
