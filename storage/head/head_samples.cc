#include "storage/head/head_samples.h"

#include "storage/base/check.h"
#include "storage/chunk/chunk.h"

#include <algorithm>
#include <array>

namespace troupe::storage {
namespace {

/// An open chunk of at least this many samples is closed where its target's segment ends, a smaller
/// one that missed rows goes on with timestamps of its own.
constexpr size_t worth_closing = 60;
/// Bytes of a chunk besides its content at most.
constexpr size_t max_chunk_front = 80;

timestamp_ms range_end(timestamp_ms ts, int64_t range_ms) {
  const timestamp_ms start = range_start(ts, range_ms);
  return start > max_time - range_ms ? max_time : start + range_ms;
}

}  // namespace

void head_samples::join(head_series& s, uint64_t target) {
  s.segment_ = times_.join(target);
  s.odd_cut_ = chunks_.now().cut & 1;
}

void head_samples::leave(head_series& s) {
  const page_guard guard(s);
  slab_.release(s.values_.bytes);
  s.count_ = 0;
  if (s.extra_ != 0)
    extras_.destroy(s.extra_);
  s.extra_ = 0;
  set_newest(s, 0);
  times_.leave(s.segment_);
  s.segment_ = 0;
}

insert_result head_samples::insert(head_series& s, timestamp_ms ts, double value,
                                   timestamp_ms start_ts, page_guard& guard) {
  const time_segment& segment = times_[s.segment_];
  // The row that another series of the target has brought is the next one of this series.
  const bool plain = s.count_ != 0 && s.extra_ == 0 && start_ts == no_start_timestamp &&
                     ts == segment.times.last && segment.rows == s.first_row_ + s.count_ + 1;
  if (plain) [[likely]] {
    guard.hold(s);
    append_value(slab_, s.values_, s.count_, value);
    ++s.count_;
    return insert_result::stored;
  }
  if (ts <= last_ts(s)) {
    guard.release();
    return insert_late(s, ts, value, start_ts);
  }
  if (!follow(s, ts, guard))
    start_chunk(s, ts, guard);
  push_value(s, ts, value, start_ts, guard);
  return insert_result::stored;
}

insert_result head_samples::insert(head_series& s, sample_columns::histogram_row row) {
  if (row.ts <= last_ts(s))
    return insert_late(s, std::move(row));
  series_extra& x = need_extra(s);
  if (!x.rows.empty() &&
      (x.rows.size() >= head_chunk_samples || row.ts >= range_end(x.rows.front().ts, range_ms_)))
    close_rows(s);
  const page_guard guard(s);
  x.last_ts = row.ts;
  x.rows.push_back(std::move(row));
  return insert_result::stored;
}

// Sees to it that the row behind the open chunk's last one is `ts`. False if there is no open chunk
// (any more).
bool head_samples::follow(head_series& s, timestamp_ms ts, page_guard& guard) {
  if (s.count_ == 0)
    return false;
  const time_segment& segment = times_[s.segment_];
  const size_t end = size_t{s.first_row_} + s.count_;
  if (end < segment.rows) {
    if (times_.rows(s.segment_)[end] == ts)
      return true;
    if (ts < segment.end && !(segment.closed && s.count_ >= worth_closing)) {
      const uint32_t own = times_.make_own(s.segment_, s.first_row_, s.count_, ts);
      guard.hold(s);
      s.first_row_ = 0;
      times_.move(s.segment_, own);
      return true;
    }
  } else if (times_.takes(segment, ts)) {
    times_.add_row(s.segment_, ts);
    return true;
  }
  guard.release();
  close_open(s);
  return false;
}

// Opens an empty chunk whose first row is `ts`.
void head_samples::start_chunk(head_series& s, timestamp_ms ts, page_guard& guard) {
  uint32_t number = times_.current(s.segment_);
  const time_segment& segment = times_[number];
  size_t row = 0;
  if (segment.rows > 0 && ts == segment.times.last) {
    row = segment.rows - 1u;
  } else if (times_.takes(segment, ts)) {
    times_.add_row(number, ts);
    row = segment.rows - 1u;
  } else if (ts > segment.times.last) {
    number = times_.roll(number, ts);
  } else {
    const auto rows = times_.rows(number);
    const auto at = std::lower_bound(rows.begin(), rows.end(), ts);
    if (at != rows.end() && *at == ts)
      row = static_cast<size_t>(at - rows.begin());
    else
      number = times_.make_own(number, 0, 0, ts);
  }
  guard.hold(s);
  times_.move(s.segment_, number);
  s.first_row_ = static_cast<uint8_t>(row);
}

void head_samples::push_value(head_series& s, timestamp_ms ts, double value, timestamp_ms start_ts,
                              page_guard& guard) {
  if (start_ts != no_start_timestamp && s.extra_ == 0) {
    guard.release();
    need_extra(s);
  }
  guard.hold(s);
  if (series_extra* x = extra(s)) {
    const timestamp_ms before = x->starts.empty() ? no_start_timestamp : x->starts.back().start_ts;
    if (start_ts != before)
      x->starts.push_back({s.count_, start_ts});
    x->last_ts = ts;
  }
  append_value(slab_, s.values_, s.count_, value);
  ++s.count_;
}

timestamp_ms head_samples::last_open_ts(const head_series& s) {
  if (s.count_ == 0)
    return min_time;
  const time_segment& segment = times_[s.segment_];
  const size_t end = size_t{s.first_row_} + s.count_;
  return end == segment.rows ? segment.times.last : times_.rows(s.segment_)[end - 1];
}

// Of all samples; only of released ones it may not know.
timestamp_ms head_samples::last_ts(const head_series& s) {
  if (const series_extra* x = extra(s))
    return x->last_ts;
  if (s.count_ != 0)
    return last_open_ts(s);
  // Without late samples the newest chunk has the last one.
  timestamp_ms out = min_time;
  for (const auto& c : chunks_of(s))
    out = std::max(out, c.max_ts);
  return out;
}

uint32_t head_samples::cut_of(const head_series& s) const {
  const uint32_t now = chunks_.now().cut;
  return now - ((now & 1) != s.odd_cut_ ? 1 : 0);
}

head_samples::series_extra& head_samples::need_extra(head_series& s) {
  if (series_extra* x = extra(s))
    return *x;
  const timestamp_ms last = last_ts(s);
  const uint32_t number = extras_.create();
  extras_[number].last_ts = last;
  const page_guard guard(s);
  s.extra_ = number;
  return extras_[number];
}

// Gives up what only says what the rest says too.
void head_samples::drop_extra(head_series& s) {
  const series_extra* x = extra(s);
  if (x == nullptr || !x->empty())
    return;
  const uint32_t number = s.extra_;
  const timestamp_ms last = x->last_ts;
  {
    const page_guard guard(s);
    s.extra_ = 0;
  }
  if (last_ts(s) == last) {
    extras_.destroy(number);
  } else {
    const page_guard guard(s);
    s.extra_ = number;
  }
}

chunk_position head_samples::add_whole(const encoded_chunk& c, uint32_t cut,
                                       chunk_position previous) {
  chunks_.make_room(c.bytes.size() + max_chunk_front);
  stored_chunk head;
  head.position = chunks_.next();
  head.previous = previous;
  head.min_ts = c.min_ts;
  head.max_ts = c.max_ts;
  head.cut = cut;
  head.samples = c.samples;
  chunks_.write(pack_chunk(head, 0, c.bytes));
  chunks_.note(cut, c.max_ts);
  return head.position;
}

// A chunk that shares its target's column of timestamps, which lies in the same region.
chunk_position head_samples::add_shared(const head_series& s, std::span<const timestamp_ms> ts,
                                        std::span<const double> values) {
  const std::string content = pack_values(values);
  time_segment& segment = times_[s.segment_];
  const chunk_position region = chunks_.make_room(content.size() + max_chunk_front);
  if (segment.column_region != region || segment.column_rows < s.first_row_ + s.count_) {
    const std::string column = pack_times(times_.rows(s.segment_));
    segment.column_region = chunks_.make_room(column.size() + content.size() + max_chunk_front);
    segment.column_offset = static_cast<uint32_t>(chunks_.next() - segment.column_region);
    segment.column_rows = segment.rows;
    chunks_.write(column);
  }
  stored_chunk head;
  head.position = chunks_.next();
  head.previous = newest(s);
  head.min_ts = ts.front();
  head.max_ts = ts.back();
  head.cut = cut_of(s);
  head.samples = s.count_;
  head.first_row = s.first_row_;
  chunks_.write(pack_chunk(head, segment.column_region + segment.column_offset, content));
  chunks_.note(head.cut, head.max_ts);
  return head.position;
}

void head_samples::close_open(head_series& s) {
  if (s.count_ == 0)
    return;
  std::array<double, 256> buffer;
  const auto values = std::span(buffer).first(s.count_);
  read_values(slab_, s.values_, values);
  const auto ts = times_.rows(s.segment_).subspan(s.first_row_, s.count_);
  series_extra* x = extra(s);
  chunk_position added;
  if (x != nullptr && !x->starts.empty()) {
    std::vector<timestamp_ms> starts(s.count_, no_start_timestamp);
    for (const auto& run : x->starts)
      std::fill(starts.begin() + run.row, starts.end(), run.start_ts);
    added = add_whole({ts.front(), ts.back(), s.count_, encode_chunk(ts, values, starts)},
                      cut_of(s), newest(s));
  } else if (times_[s.segment_].own) {
    added = add_whole({ts.front(), ts.back(), s.count_, encode_chunk(ts, values)}, cut_of(s),
                      newest(s));
  } else {
    added = add_shared(s, ts, values);
  }
  const page_guard guard(s);
  set_newest(s, added);
  slab_.release(s.values_.bytes);
  s.count_ = 0;
  if (x != nullptr)
    x->starts.clear();
  times_.move(s.segment_, times_.current(s.segment_));
}

void head_samples::close_rows(head_series& s) {
  series_extra* x = extra(s);
  if (x == nullptr || x->rows.empty())
    return;
  const chunk_position added =
      add_whole({x->rows.front().ts, x->rows.back().ts, static_cast<uint32_t>(x->rows.size()),
                 encode_histogram_chunk(x->rows)},
                cut_of(s), newest(s));
  const page_guard guard(s);
  set_newest(s, added);
  x->rows.clear();
}

void head_samples::seal(head_series& s, std::set<timestamp_ms>& ranges) {
  const timestamp_ms bound = chunks_.now().bound;
  fold_late(s);
  if (s.count_ != 0 && times_[s.segment_].times.first < bound)
    close_open(s);
  if (const series_extra* x = extra(s); x && !x->rows.empty() && x->rows.front().ts < bound)
    close_rows(s);
  drop_extra(s);
  if (bound != range_start(bound, range_ms_))
    split(s);
  {
    const page_guard guard(s);
    s.odd_cut_ = chunks_.now().cut & 1;
  }
  status damage;
  for (const auto& c : chunks_of(s, &damage))
    if (chunks_.now().is_set_aside(c))
      ranges.insert(range_start(c.min_ts, range_ms_));
  // A block is tried, and fails where it reads the series: the log stays, and a restart mends it.
  if (!damage.ok())
    ranges.insert(range_start(bound - 1, range_ms_));
}

head_samples::memory head_samples::memory_bytes() const {
  return {slab_.memory_bytes(), times_.memory_bytes(), extras_.memory_bytes(),
          chunks_.memory_bytes(), chunks_.file_bytes()};
}

}  // namespace troupe::storage
