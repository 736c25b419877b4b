#include "pipeline/notify/alert_queue.h"

#include <algorithm>

namespace troupe::notify {

alert_queue::place_map::iterator alert_queue::find(const alert& a) {
  auto [it, end] = places_.equal_range(a.identity.hash());
  while (it != end && (*it->second)->identity != a.identity)
    ++it;
  return it == end ? places_.end() : it;
}

void alert_queue::forget(place p) {
  places_.erase(find(**p));
  waiting_.erase(p);
}

size_t alert_queue::drop_oldest() {
  size_t dropped = 0;
  for (; waiting_.size() > capacity_; ++dropped)
    forget(waiting_.begin());
  return dropped;
}

size_t alert_queue::push(const std::vector<alert_ptr>& alerts) {
  for (const auto& a : alerts) {
    if (const auto held = find(*a); held != places_.end())
      forget(held->second);
    waiting_.push_back(a);
    places_.emplace(a->identity.hash(), std::prev(waiting_.end()));
  }
  return drop_oldest();
}

std::vector<alert_ptr> alert_queue::take(size_t most) {
  std::vector<alert_ptr> out;
  out.reserve(std::min(most, waiting_.size()));
  while (!waiting_.empty() && out.size() < most) {
    out.push_back(waiting_.front());
    forget(waiting_.begin());
  }
  return out;
}

size_t alert_queue::put_back(const std::vector<alert_ptr>& alerts) {
  for (auto it = alerts.rbegin(); it != alerts.rend(); ++it) {
    if (find(**it) != places_.end())
      continue;
    waiting_.push_front(*it);
    places_.emplace((*it)->identity.hash(), waiting_.begin());
  }
  return drop_oldest();
}

}  // namespace troupe::notify
