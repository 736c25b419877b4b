#include "storage/head/time_streams.h"

#include "storage/head/head_chunk.h"

#include <algorithm>
#include <mutex>

namespace troupe::storage {
namespace {

timestamp_ms plus(timestamp_ms ts, int64_t ms) {
  return ts > max_time - ms ? max_time : ts + ms;
}

}  // namespace

uint32_t time_streams::create(uint32_t stream) {
  const uint32_t n = segments_.create();
  segments_[n].stream = stream;
  return n;
}

uint32_t time_streams::join(uint64_t key) {
  uint32_t& number = by_key_[key];
  if (number == 0) {
    number = streams_.create();
    streams_[number] = {key, create(number), 0};
    hold(streams_[number].current);
  }
  stream& s = streams_[number];
  ++s.series;
  hold(s.current);
  return s.current;
}

void time_streams::leave(uint32_t segment) {
  const uint32_t number = segments_[segment].stream;
  release(segment);
  stream& s = streams_[number];
  if (--s.series > 0)
    return;
  release(s.current);
  by_key_.erase(s.key);
  streams_.destroy(number);
}

void time_streams::release(uint32_t segment) {
  time_segment& s = segments_[segment];
  if (--s.users > 0)
    return;
  if (cached_ == segment)
    cached_ = 0;
  slab_.release(s.times.bytes);
  segments_.destroy(segment);
}

void time_streams::move(uint32_t& held, uint32_t to) {
  if (held == to)
    return;
  hold(to);
  release(held);
  held = to;
}

// Not all targets shall close their chunks at once: the first segment in a block range is shortened
// by the stream's key.
void time_streams::begin(time_segment& s, timestamp_ms ts, bool shortened) const {
  const uint64_t parts =
      shortened ? streams_[s.stream].key % segment_rows + 1 : uint64_t{segment_rows};
  const auto span = segment_span_ms * static_cast<int64_t>(parts) / int64_t{segment_rows};
  s.max_rows = static_cast<uint8_t>(parts);
  s.end = std::min(plus(range_start(ts, range_ms_), range_ms_), plus(ts, span));
}

void time_streams::add_row(uint32_t segment, timestamp_ms ts) {
  time_segment& s = segments_[segment];
  if (s.rows == 0)
    begin(s, ts, !s.own);
  const std::lock_guard guard(lock_of(segment));
  append_time(slab_, s.times, s.rows, ts);
  ++s.rows;
}

uint32_t time_streams::roll(uint32_t segment, timestamp_ms ts) {
  const uint32_t number = segments_[segment].stream;
  const uint32_t made = create(number);
  stream& of = streams_[number];
  time_segment &before = segments_[of.current], &s = segments_[made];
  before.closed = true;
  const bool other_range = range_start(before.times.first, range_ms_) != range_start(ts, range_ms_);
  begin(s, ts, other_range);
  append_time(slab_, s.times, s.rows++, ts);
  move(of.current, made);
  return made;
}

uint32_t time_streams::make_own(uint32_t segment, size_t first_row, size_t rows, timestamp_ms ts) {
  const uint32_t made = create(segments_[segment].stream);
  time_segment& s = segments_[made];
  s.own = true;
  const auto from = this->rows(segment).subspan(first_row, rows);
  begin(s, from.empty() ? ts : from.front(), false);
  for (const timestamp_ms t : from)
    append_time(slab_, s.times, s.rows++, t);
  append_time(slab_, s.times, s.rows++, ts);
  return made;
}

saved_segment time_streams::save(uint32_t segment) const {
  const time_segment& s = segments_[segment];
  saved_segment out{s.closed, s.own, s.end, s.max_rows, std::vector<timestamp_ms>(s.rows)};
  read_times(slab_, s.times, out.rows);
  return out;
}

uint32_t time_streams::restore(uint32_t segment, const saved_segment& from) {
  const uint32_t number = segments_[segment].stream;
  const uint32_t made = create(number);
  time_segment& s = segments_[made];
  s.own = from.own;
  s.closed = from.closed;
  s.end = from.end;
  s.max_rows = from.max_rows;
  for (const timestamp_ms ts : from.rows)
    append_time(slab_, s.times, s.rows++, ts);
  if (!s.own && !s.closed) {
    segments_[streams_[number].current].closed = true;
    move(streams_[number].current, made);
  }
  return made;
}

bool time_streams::extend(uint32_t segment, const saved_segment& from) {
  const auto old = rows(segment);
  const size_t both = std::min(old.size(), from.rows.size());
  if (!std::equal(old.begin(), old.begin() + static_cast<ptrdiff_t>(both), from.rows.begin()))
    return false;
  time_segment& s = segments_[segment];
  const std::lock_guard guard(lock_of(segment));
  for (size_t i = old.size(); i < from.rows.size(); ++i)
    append_time(slab_, s.times, s.rows++, from.rows[i]);
  s.closed = s.closed || from.closed;
  return true;
}

std::span<const timestamp_ms> time_streams::rows(uint32_t segment) {
  const time_segment& s = segments_[segment];
  if (cached_ != segment || cached_rows_ != s.rows)
    read_times(slab_, s.times, std::span(cache_).first(s.rows));
  cached_ = segment;
  cached_rows_ = s.rows;
  return std::span(cache_).first(s.rows);
}

void time_streams::read(uint32_t segment, size_t first, std::span<timestamp_ms> out) const {
  std::array<timestamp_ms, segment_rows> all;
  const auto used = std::span(all).first(first + out.size());
  {
    const std::lock_guard guard(lock_of(segment));
    read_times(slab_, segments_[segment].times, used);
  }
  std::copy(used.begin() + static_cast<ptrdiff_t>(first), used.end(), out.begin());
}

std::pair<timestamp_ms, timestamp_ms> time_streams::extent(uint32_t segment) const {
  const std::lock_guard guard(lock_of(segment));
  const open_times& t = segments_[segment].times;
  return {t.first, t.last};
}

size_t time_streams::memory_bytes() const {
  return segments_.memory_bytes() + streams_.memory_bytes() + by_key_.size() * 40;
}

}  // namespace troupe::storage
