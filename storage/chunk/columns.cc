#include "storage/chunk/columns.h"

#include "storage/base/fault_twin.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

namespace troupe::storage {
namespace {

// Reads one input's floats and histograms as one stream in time order.
class column_cursor {
 public:
  explicit column_cursor(const sample_columns& in) : in_(&in) {}

  bool done() const { return f_ == in_->ts.size() && h_ == in_->histograms.size(); }
  timestamp_ms ts() const { return at_histogram() ? in_->histograms[h_].ts : in_->ts[f_]; }
  bool at_histogram() const {
    if (h_ == in_->histograms.size())
      return false;
    return f_ == in_->ts.size() || in_->histograms[h_].ts <= in_->ts[f_];
  }
  double value() const { return in_->values[f_]; }
  timestamp_ms start_ts() const {
    if (at_histogram())
      return in_->histograms[h_].start_ts;
    return in_->start_ts.empty() ? no_start_timestamp : in_->start_ts[f_];
  }
  const histogram_ptr& histogram_value() const { return in_->histograms[h_].value; }
  void advance() { at_histogram() ? ++h_ : ++f_; }

 private:
  const sample_columns* in_;
  size_t f_ = 0;
  size_t h_ = 0;
};

// The best of the samples offered for one timestamp.
class contest {
 public:
  explicit contest(const column_cursor& first)
      : histogram_(first.at_histogram() ? first.histogram_value() : nullptr),
        value_(histogram_ ? 0 : first.value()),
        start_(first.start_ts()) {}

  void offer(const column_cursor& c, merge_counts& counts) {
    const int order = compare(c);
    ++(order == 0 ? counts.duplicates : counts.conflicts);
    if (order < 0)
      *this = contest(c);
    else if (order == 0)
      start_ = std::max(start_, c.start_ts());
  }

  void store(timestamp_ms ts, sample_columns& out) const {
    if (histogram_)
      out.histograms.push_back({ts, start_, histogram_});
    else
      append_float(out, ts, value_, start_);
  }

 private:
  // < 0: `c` wins; 0: equal; > 0: `c` loses.
  int compare(const column_cursor& c) const {
    if (c.at_histogram() != (histogram_ != nullptr))
      return c.at_histogram() ? -1 : 1;
    if (!histogram_) {
      if (std::bit_cast<uint64_t>(value_) == std::bit_cast<uint64_t>(c.value()))
        return 0;
      return loses_against(value_, c.value()) ? -1 : 1;
    }
    std::string mine, theirs;
    histogram_->encode(mine);
    c.histogram_value()->encode(theirs);
    return mine.compare(theirs);
  }

  histogram_ptr histogram_;
  double value_;
  timestamp_ms start_;
};

// First and last timestamp of a non-empty input whose floats and histograms do not share one.
struct extent {
  timestamp_ms first, last;
  const sample_columns* columns;
};

// True if the inputs follow each other in time and only one kind of value is in each: then merging
// is appending. `order` gets the non-empty ones in time order.
bool one_after_another(std::span<const sample_columns> inputs, std::vector<extent>& order) {
  for (const auto& in : inputs) {
    if (!in.ts.empty() && !in.histograms.empty())
      return false;
    if (!in.ts.empty())
      order.push_back({in.ts.front(), in.ts.back(), &in});
    else if (!in.histograms.empty())
      order.push_back({in.histograms.front().ts, in.histograms.back().ts, &in});
  }
  std::sort(order.begin(), order.end(), [](auto& a, auto& b) { return a.first < b.first; });
  for (size_t i = 1; i < order.size(); ++i)
    if (order[i].first <= order[i - 1].last)
      return false;
  return true;
}

void append_columns(const sample_columns& in, sample_columns& out) {
  if (!in.start_ts.empty() || !out.start_ts.empty()) {
    out.start_ts.resize(out.ts.size(), no_start_timestamp);
    out.start_ts.insert(out.start_ts.end(), in.start_ts.begin(), in.start_ts.end());
    out.start_ts.resize(out.ts.size() + in.ts.size(), no_start_timestamp);
  }
  out.ts.insert(out.ts.end(), in.ts.begin(), in.ts.end());
  out.values.insert(out.values.end(), in.values.begin(), in.values.end());
  out.histograms.insert(out.histograms.end(), in.histograms.begin(), in.histograms.end());
}

// Walks ascending timestamps and says which of them are deleted.
class interval_filter {
 public:
  explicit interval_filter(const time_intervals& intervals) : intervals_(&intervals) {}

  bool drops(timestamp_ms ts) {
    while (at_ < intervals_->size() && (*intervals_)[at_].max < ts)
      ++at_;
    const bool inside = at_ < intervals_->size() && (*intervals_)[at_].min <= ts;
    const bool drop = inside || (TROUPE_FAULT(tombstone_overreach) && previous_inside_);
    previous_inside_ = inside;
    return drop;
  }

 private:
  const time_intervals* intervals_;
  size_t at_ = 0;
  bool previous_inside_ = false;
};

}  // namespace

timestamp_ms first_ts(const sample_columns& c) {
  timestamp_ms t = c.ts.empty() ? max_time : c.ts.front();
  return c.histograms.empty() ? t : std::min(t, c.histograms.front().ts);
}

timestamp_ms last_ts(const sample_columns& c) {
  timestamp_ms t = c.ts.empty() ? min_time : c.ts.back();
  return c.histograms.empty() ? t : std::max(t, c.histograms.back().ts);
}

void append_float(sample_columns& out, timestamp_ms ts, double value, timestamp_ms start_ts) {
  if (start_ts != no_start_timestamp && out.start_ts.empty())
    out.start_ts.resize(out.ts.size(), no_start_timestamp);
  if (start_ts != no_start_timestamp || !out.start_ts.empty())
    out.start_ts.push_back(start_ts);
  out.ts.push_back(ts);
  out.values.push_back(value);
}

void append_floats(sample_columns& out, const sample_columns& in) {
  const size_t before = out.ts.size();
  out.ts.insert(out.ts.end(), in.ts.begin(), in.ts.end());
  out.values.insert(out.values.end(), in.values.begin(), in.values.end());
  if (out.start_ts.empty() && in.start_ts.empty())
    return;
  out.start_ts.resize(before, no_start_timestamp);
  out.start_ts.insert(out.start_ts.end(), in.start_ts.begin(), in.start_ts.end());
  out.start_ts.resize(out.ts.size(), no_start_timestamp);
}

bool loses_against(const histogram& a, const histogram& b) {
  std::string left, right;
  a.encode(left);
  b.encode(right);
  return left < right;
}

merge_counts merge_columns(std::span<const sample_columns> inputs, sample_columns& out) {
  out.clear();
  merge_counts counts;
  std::vector<extent> order;
  if (one_after_another(inputs, order)) {
    for (const auto& e : order)
      append_columns(*e.columns, out);
    return counts;
  }
  std::vector<column_cursor> cursors;
  for (const auto& in : inputs)
    if (column_cursor c(in); !c.done())
      cursors.push_back(c);
  while (!cursors.empty()) {
    timestamp_ms ts = cursors.front().ts();
    for (const auto& c : cursors)
      ts = std::min(ts, c.ts());
    std::optional<contest> best;
    for (auto& c : cursors)
      for (; !c.done() && c.ts() == ts; c.advance())
        best ? best->offer(c, counts) : void(best.emplace(c));
    best->store(ts, out);
    std::erase_if(cursors, [](const auto& c) { return c.done(); });
  }
  return counts;
}

void add_interval(time_intervals& intervals, time_interval added) {
  if (added.min > added.max)
    return;
  // Adjacent ones melt too; beware of the ends of the number range.
  const auto before = [](const time_interval& a, const time_interval& b) {
    return a.max != max_time && a.max + 1 < b.min;
  };
  time_intervals merged;
  for (const auto& i : intervals) {
    if (before(i, added)) {
      merged.push_back(i);
    } else if (before(added, i)) {
      merged.push_back(added);
      added = i;
    } else {
      added = {std::min(added.min, i.min), std::max(added.max, i.max)};
    }
  }
  merged.push_back(added);
  intervals = std::move(merged);
}

bool contains(const time_intervals& intervals, timestamp_ms ts) {
  return std::any_of(intervals.begin(), intervals.end(),
                     [ts](const auto& i) { return i.min <= ts && ts <= i.max; });
}

void remove_intervals(const time_intervals& intervals, sample_columns& columns, size_t from_float,
                      size_t from_histogram) {
  if (intervals.empty())
    return;
  interval_filter floats(intervals);
  size_t kept = from_float;
  for (size_t i = from_float; i < columns.ts.size(); ++i) {
    if (floats.drops(columns.ts[i]))
      continue;
    columns.ts[kept] = columns.ts[i];
    columns.values[kept] = columns.values[i];
    if (!columns.start_ts.empty())
      columns.start_ts[kept] = columns.start_ts[i];
    ++kept;
  }
  columns.ts.resize(kept);
  columns.values.resize(kept);
  if (!columns.start_ts.empty())
    columns.start_ts.resize(kept);
  interval_filter histograms(intervals);
  kept = from_histogram;
  for (size_t i = from_histogram; i < columns.histograms.size(); ++i)
    if (!histograms.drops(columns.histograms[i].ts))
      std::swap(columns.histograms[kept++], columns.histograms[i]);
  columns.histograms.resize(kept);
}

}  // namespace troupe::storage
