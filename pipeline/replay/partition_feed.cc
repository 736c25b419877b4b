#include "pipeline/replay/partition_feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace troupe::replay {

partition_feed::partition_feed(kafka::consumer& from, uint32_t partition, const feed_bounds& bounds,
                               size_t queue_bytes,
                               std::function<void(const kafka::fetched_record&)> learn)
    : from_(from),
      partition_(partition),
      bounds_(bounds),
      queue_most_(queue_bytes),
      learn_(std::move(learn)) {}

status partition_feed::begin(const kafka::offset_range& there, std::optional<int64_t> resumed) {
  there_ = there;
  next_ = there.first;
  resumed_ = resumed.has_value();
  if (resumed && *resumed > there.end)
    return {errc::invalid_argument,
            fmt::format("partition {} ends at offset {}, but {} was reached before: the topic was "
                        "made anew or has lost its end",
                        partition_, there.end, *resumed)};
  if (resumed) {
    next_ = std::max(*resumed, there.first);
    if (*resumed < there.first)
      note_gap(fmt::format("offsets {} to {} are gone", *resumed, there.first - 1));
    return found_begin();
  }
  if (bounds_.begin == min_time)
    return found_begin();
  search_ = {bounds_.begin, there.first, there.end, time_search::care::look};
  return search_on();
}

status partition_feed::start(int64_t offset) {
  if (std::exchange(paused_, false))
    from_.resume(partition_);
  stale_ = true;
  return from_.start(partition_, offset);
}

status partition_feed::search_on() {
  if (!search_.done())
    return start(search_.probe());
  if (phase_ == phase::searching_begin) {
    next_ = search_.answer();
    // Were there records before the window, the search would have met one.
    if (next_ == there_.first && there_.first > 0)
      note_gap(fmt::format("records before offset {} are gone, some of the window perhaps",
                           there_.first));
    return found_begin();
  }
  expected_end_ = std::max(search_.answer(), next_);
  return read_on();
}

status partition_feed::found_begin() {
  first_ = next_;
  expected_end_ = there_.end;
  if (bounds_.end == max_time || next_ >= there_.end)
    return read_on();
  phase_ = phase::searching_end;
  search_ = {bounds_.end, next_, there_.end, time_search::care::guess};
  return search_on();
}

status partition_feed::read_on() {
  phase_ = phase::reading;
  if (next_ < there_.end)
    return start(next_);
  from_.stop(partition_);
  return {};
}

void partition_feed::note_gap(std::string what) {
  ++gaps_;
  notes_.push_back(std::move(what));
}

void partition_feed::skip_to(int64_t first) {
  if (first <= next_)
    return;
  note_gap(fmt::format("offsets {} to {} are gone", next_, first - 1));
  next_ = first;
}

bool partition_feed::has_ended() const {
  return phase_ == phase::ended ||
         (phase_ == phase::reading && queue_.empty() && next_ >= there_.end);
}

status partition_feed::take(kafka::fetched_record r) {
  if (stale_)
    return {};
  switch (phase_) {
    case phase::searching_begin:
    case phase::searching_end:
      search_.found(r.offset, r.ts);
      return search_on();
    case phase::learning:
      if (r.offset < front().offset)
        learn_(r);
      if (r.offset + 1 >= front().offset)
        return read_on();
      return {};
    case phase::reading:
      keep(std::move(r));
      return {};
    case phase::ended:
      break;
  }
  return {};
}

void partition_feed::keep(kafka::fetched_record r) {
  if (r.offset < next_ || next_ >= there_.end)
    return;
  next_ = r.offset + 1;
  if (r.offset < there_.end) {
    queue_size_ += r.payload.size();
    queue_.push_back(std::move(r));
  }
  if (next_ >= there_.end) {
    from_.stop(partition_);
  } else if (queue_size_ > queue_most_ && !paused_) {
    paused_ = true;
    from_.pause(partition_);
  }
}

status partition_feed::take(const kafka::stopped_partition& s) {
  if (stale_ || phase_ == phase::ended)
    return {};
  if (s.why == kafka::offset_trouble::beyond_end)
    return {errc::invalid_argument,
            fmt::format("partition {} ends at offset {}, before {}: the topic was made anew or has "
                        "lost its end",
                        partition_, s.end, s.asked)};
  there_.first = std::max(there_.first, s.first);
  switch (phase_) {
    case phase::searching_end:
      skip_to(s.first);
      [[fallthrough]];
    case phase::searching_begin:
      search_.cut(s.first);
      return search_on();
    case phase::reading:
      skip_to(s.first);
      return read_on();
    case phase::learning:
      return read_on();
    case phase::ended:
      break;
  }
  return {};
}

status partition_feed::give_up() {
  switch (phase_) {
    case phase::searching_begin:
    case phase::searching_end:
      search_.found_nothing();
      return search_on();
    case phase::learning:
      return read_on();
    case phase::reading:
    case phase::ended:
      break;
  }
  whole_ = false;
  notes_.push_back(
      fmt::format("no record came from offset {} on, though it ends at {}", next_, there_.end));
  finish();
  return {};
}

void partition_feed::pop() {
  queue_size_ -= queue_.front().payload.size();
  queue_.pop_front();
  if (paused_ && queue_size_ <= queue_most_ / 2) {
    paused_ = false;
    from_.resume(partition_);
  }
}

status partition_feed::learn_from(int64_t offset) {
  phase_ = phase::learning;
  return start(offset);
}

void partition_feed::finish() {
  phase_ = phase::ended;
  from_.stop(partition_);
}

uint64_t partition_feed::expected_records() const {
  return static_cast<uint64_t>(std::max(expected_end_, position()) - first_);
}

uint64_t partition_feed::done_records() const {
  return static_cast<uint64_t>(position() - first_);
}

}  // namespace troupe::replay
