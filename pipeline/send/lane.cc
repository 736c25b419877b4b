#include "pipeline/send/lane.h"

#include "storage/base/check.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace troupe::send {
namespace {

using storage::log_door;
using storage::log_segment;
using storage::wal_batch;

constexpr size_t open_budget_bytes = 16 << 20;

size_t bytes_of(const histogram& h) {
  return sizeof h + (h.positive_spans.size() + h.negative_spans.size()) * sizeof(histogram_span) +
         (h.positive_buckets.size() + h.negative_buckets.size() + h.custom_bounds.size()) *
             sizeof(double);
}

// Labels are shared with the other entries of their series.
size_t bytes_of(const entry& e) {
  size_t n = sizeof e;
  if (e.extra)
    n += sizeof *e.extra;
  if (e.extra && e.extra->hist)
    n += bytes_of(*e.extra->hist);
  return n;
}

size_t bytes_of_all(const std::vector<entry>& entries) {
  size_t n = 0;
  for (const auto& e : entries)
    n += bytes_of(e);
  return n;
}

class ignore_all final : public storage::wal_sink {
 public:
  status apply(const wal_batch&) override { return {}; }
};

// Of a run with other shards only the epoch of what is read is known.
bool is_before(const log_segment& at, const log_segment& horizon) {
  return at.number == 0 ? at.epoch < horizon.epoch : at < horizon;
}

stretch all_from(const log_door& log, const place& next, const log_segment& from) {
  stretch out;
  out.next.fill(next);
  out.from.assign(log.shard_count(), from);
  return out;
}

}  // namespace

class lane::sink final : public storage::wal_sink {
 public:
  sink(lane& to, reader& from) : to_(to), from_(from) {}
  status apply(const wal_batch& batch) override {
    to_.take_batch(from_, batch);
    return {};
  }

 private:
  lane& to_;
  reader& from_;
};

lane::lane(log_door& log, stretch from, series_rules_ptr rules, lane_options options)
    : log_(log), stretch_(std::move(from)), rules_(std::move(rules)), options_(options) {
  stretch_.from = starts_of(stretch_, log_);
  for (uint32_t i = 0; i < log_.shard_count(); ++i)
    readers_.push_back({nullptr, series_filter(rules_), stretch_.from[i], {}, false, 0, 0});
  for (uint16_t s = 0; s < slot_count; ++s)
    streams_[s].read = stretch_.next[s];
}

lane::~lane() = default;

result<stretch> lane::begin_at_end(log_door& log) {
  stretch out = all_from(log, {log.epoch(), 1, 0}, {});
  ignore_all sink;
  for (uint32_t i = 0; i < log.shard_count(); ++i) {
    out.from[i] = log.end(i);
    TROUPE_ASSIGN(auto tail, log.follow(i, out.from[i]));
    for (bool done = false; !done;) {
      TROUPE_ASSIGN(done, tail->step(sink, open_budget_bytes));
    }
    for (uint32_t slot = i; slot < slot_count; slot += log.shard_count())
      out.next[slot].sequence = tail->last_sequence(static_cast<uint16_t>(slot)) + 1;
  }
  return out;
}

stretch lane::begin_of_run(const log_door& log) {
  return all_from(log, {log.epoch(), 1, 0}, {log.epoch(), 1});
}

stretch lane::begin_of_log(const log_door& log) {
  return all_from(log, {}, {});
}

status lane::open(uint32_t shard) {
  reader& r = readers_[shard];
  TROUPE_ASSIGN(r.tail, log_.follow(shard, r.start));
  const bool from_oldest = r.start.epoch == 0;
  if (!from_oldest &&
      is_before(r.start, log_.oldest_within(shard, std::numeric_limits<uint64_t>::max())))
    ++drops_.missing;
  return {};
}

log_segment lane::reading(const reader& r) const {
  return r.tail ? std::max(r.tail->at(), r.start) : r.start;
}

result<bool> lane::read(size_t most, size_t budget_bytes, timestamp_ms now_ms, int64_t now_ns) {
  now_ms_ = now_ms;
  now_ns_ = now_ns;
  bool more = false;
  at_end_ = true;
  const auto count = static_cast<uint32_t>(readers_.size());
  next_reader_ = (next_reader_ + 1) % count;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t shard = (next_reader_ + i) % count;
    reader& r = readers_[shard];
    if (!r.tail)
      TROUPE_TRY(open(shard));
    // What is given up takes no room.
    const bool room = waiting() < most || is_before(reading(r), r.horizon);
    if (behind_end(shard)) {
      r.at_end = true;
    } else if (room) {
      sink into(*this, r);
      TROUPE_ASSIGN(r.at_end, r.tail->step(into, budget_bytes));
      drops_.damaged += r.tail->samples_lost() - std::exchange(r.lost, r.tail->samples_lost());
      drops_.missing +=
          r.tail->segments_missing() - std::exchange(r.missing, r.tail->segments_missing());
    }
    at_end_ = at_end_ && r.at_end;
    more = more || !r.at_end;
  }
  return more;
}

bool lane::behind_end(uint32_t shard) const {
  return stretch_.end && shard < stretch_.end_from.size() &&
         stretch_.end_from.size() == readers_.size() &&
         reading(readers_[shard]) > stretch_.end_from[shard];
}

void lane::take_batch(reader& r, const wal_batch& batch) {
  if (!batch.tenant.empty())
    return;
  described_.insert(described_.end(), batch.metadata.begin(), batch.metadata.end());
  stream& s = streams_[batch.slot];
  const place at{batch.epoch, batch.sequence, 0};
  const place after{batch.epoch, batch.sequence + 1, 0};
  if (stretch_.end && at >= (*stretch_.end)[batch.slot])
    return;
  // What damage has held up comes late.
  if (batch.recovered) {
    if (auto entries = entries_of(r, batch, 0); !entries.empty())
      keep(r, batch, std::move(entries));
    return;
  }
  if (after <= s.read)
    return;
  const bool begun = s.read.epoch == at.epoch && s.read.sequence == at.sequence;
  auto entries = entries_of(r, batch, begun ? s.read.entry : 0);
  s.read = after;
  newest_ts_ = std::max(newest_ts_, batch.ts);
  if (entries.empty()) {
    if (!s.waiting.empty())
      s.waiting.back().after = after;
    else if (!s.under_way)
      set_next(batch.slot, after);
    return;
  }
  keep(r, batch, std::move(entries));
}

std::vector<entry> lane::entries_of(reader& r, const wal_batch& batch, uint32_t skip) {
  std::vector<entry> out;
  out.reserve(batch.floats.size());
  uint32_t number = 0;
  const auto wanted = [&](entry_kind kind, bool sent, uint32_t series,
                          timestamp_ms ts) -> const labels* {
    if (number++ < skip || !sent)
      return nullptr;
    const labels& found = r.filter(batch, series);
    if (found.empty())
      drops_.relabelled.add(kind);
    else if (too_old(ts))
      drops_.too_old.add(kind);
    else
      return &found;
    return nullptr;
  };
  size_t start = 0;
  for (uint32_t i = 0; i < batch.floats.size(); ++i) {
    const auto& f = batch.floats[i];
    while (start < batch.starts.size() && batch.starts[start].index < i)
      ++start;
    if (const labels* series = wanted(entry_kind::sample, true, f.series, f.ts)) {
      const bool has_start = start < batch.starts.size() && batch.starts[start].index == i;
      out.push_back({*series, f.ts, has_start ? batch.starts[start].start_ts : no_start_timestamp,
                     f.value, number - 1, entry_kind::sample, nullptr});
    }
  }
  for (const auto& h : batch.histograms) {
    const bool custom = h.value->schema == histogram::custom_schema;
    const labels* series = wanted(entry_kind::histogram, options_.histograms, h.series, h.ts);
    if (series == nullptr)
      continue;
    if (custom && !options_.custom_buckets) {
      drops_.custom_buckets.add(entry_kind::histogram);
      continue;
    }
    out.push_back({*series, h.ts, h.start_ts, 0, number - 1, entry_kind::histogram,
                   std::make_shared<const entry_extra>(entry_extra{h.value, {}})});
  }
  for (const auto& e : batch.exemplars) {
    const labels* series = wanted(entry_kind::exemplar, options_.exemplars, e.series, e.value.ts);
    if (series != nullptr)
      out.push_back({*series, e.value.ts, no_start_timestamp, e.value.value, number - 1,
                     entry_kind::exemplar,
                     std::make_shared<const entry_extra>(entry_extra{nullptr, e.value.lset})});
  }
  return out;
}

void lane::keep(reader& r, const wal_batch& batch, std::vector<entry> entries) {
  stream& s = streams_[batch.slot];
  if (is_before(reading(r), r.horizon)) {
    for (const auto& e : entries)
      drops_.for_room.add(e.kind);
    if (!s.waiting.empty())
      s.waiting.back().after = s.read;
    else if (!s.under_way)
      set_next(batch.slot, s.read);
    return;
  }
  (s.under_way ? blocked_ : ready_) += entries.size();
  for (const auto& e : entries)
    highest_read_ = std::max(highest_read_, e.ts);
  const size_t bytes = bytes_of_all(entries);
  bytes_ += bytes;
  s.waiting.push_back({std::move(entries),
                       0,
                       bytes,
                       {batch.epoch, batch.sequence, 0},
                       s.read,
                       reading(r),
                       batch.ts,
                       now_ns_});
}

int64_t lane::oldest_ready_ns() const {
  int64_t out = std::numeric_limits<int64_t>::max();
  for (const auto& s : streams_)
    if (!s.under_way && !s.waiting.empty())
      out = std::min(out, s.waiting.front().arrived_ns);
  return out;
}

std::vector<portion> lane::take(size_t most) {
  std::vector<portion> out;
  size_t left = most;
  for (uint32_t i = 0; i < slot_count && left > 0 && ready_ > 0; ++i) {
    const uint16_t slot = next_stream_;
    next_stream_ = static_cast<uint16_t>((next_stream_ + 1) % slot_count);
    stream& s = streams_[slot];
    if (s.under_way || s.waiting.empty())
      continue;
    portion p;
    p.slot = slot;
    p.segment = s.waiting.front().segment;
    p.ts = s.waiting.front().ts;
    while (left > 0 && !s.waiting.empty()) {
      chunk& c = s.waiting.front();
      const size_t n = std::min(left, c.left());
      const auto from = c.entries.begin() + static_cast<ptrdiff_t>(c.first);
      const size_t before = p.entries.size();
      std::move(from, from + static_cast<ptrdiff_t>(n), std::back_inserter(p.entries));
      for (size_t i = before; i < p.entries.size(); ++i) {
        const size_t bytes = bytes_of(p.entries[i]);
        c.bytes -= bytes;
        p.bytes += bytes;
      }
      c.first += n;
      left -= n;
      ready_ -= n;
      if (c.left() != 0) {
        p.after = c.at;
        p.after.entry = c.entries[c.first].number;
        break;
      }
      p.after = c.after;
      s.waiting.pop_front();
    }
    s.under_way = true;
    s.under_way_from = p.segment;
    s.under_way_ts = p.ts;
    p.taken = p.entries.size();
    under_way_ += p.taken;
    for (const auto& c : s.waiting) {
      ready_ -= c.left();
      blocked_ += c.left();
    }
    out.push_back(std::move(p));
  }
  return out;
}

void lane::settle(const portion& p) {
  stream& s = streams_[p.slot];
  TROUPE_CHECK(s.under_way);
  s.under_way = false;
  under_way_ -= p.taken;
  bytes_ -= p.bytes;
  for (const auto& c : s.waiting) {
    blocked_ -= c.left();
    ready_ += c.left();
  }
  stretch_.next[p.slot] = s.waiting.empty() ? std::max(p.after, s.read) : p.after;
}

void lane::set_next(uint16_t slot, const place& to) {
  stretch_.next[slot] = to;
  moved_.push_back(slot);
}

std::vector<uint16_t> lane::take_moved() {
  std::sort(moved_.begin(), moved_.end());
  moved_.erase(std::unique(moved_.begin(), moved_.end()), moved_.end());
  return std::exchange(moved_, {});
}

void lane::drop_front(uint16_t slot) {
  stream& s = streams_[slot];
  chunk& c = s.waiting.front();
  for (size_t i = c.first; i < c.entries.size(); ++i)
    drops_.for_room.add(c.entries[i].kind);
  (s.under_way ? blocked_ : ready_) -= c.left();
  bytes_ -= c.bytes;
  const place after = c.after;
  s.waiting.pop_front();
  if (!s.under_way)
    set_next(slot, after);
}

void lane::drop_before(uint32_t shard, const log_segment& horizon) {
  reader& r = readers_[shard];
  r.horizon = std::max(r.horizon, horizon);
  for (uint32_t slot = shard; slot < slot_count; slot += static_cast<uint32_t>(readers_.size())) {
    stream& s = streams_[slot];
    while (!s.waiting.empty() && is_before(s.waiting.front().segment, r.horizon))
      drop_front(static_cast<uint16_t>(slot));
  }
}

bool lane::is_dropped(const portion& p) const {
  return is_before(p.segment, readers_[shard_of(p.slot)].horizon);
}

void lane::count_dropped(const std::vector<entry>& entries) {
  for (const auto& e : entries)
    drops_.for_room.add(e.kind);
}

bool lane::finished() const {
  return ended() && caught_up();
}

log_segment lane::oldest(uint32_t shard) const {
  log_segment out = reading(readers_[shard]);
  for (uint32_t slot = shard; slot < slot_count; slot += static_cast<uint32_t>(readers_.size())) {
    const stream& s = streams_[slot];
    if (s.under_way)
      out = std::min(out, s.under_way_from);
    else if (!s.waiting.empty())
      out = std::min(out, s.waiting.front().segment);
  }
  return out;
}

timestamp_ms lane::oldest_ts() const {
  timestamp_ms out = max_time;
  for (const auto& s : streams_) {
    if (s.under_way)
      out = std::min(out, s.under_way_ts);
    else if (!s.waiting.empty())
      out = std::min(out, s.waiting.front().ts);
  }
  return out;
}

const stretch& lane::at() {
  for (uint32_t i = 0; i < readers_.size(); ++i)
    stretch_.from[i] = oldest(i);
  return stretch_;
}

}  // namespace troupe::send
