#include "pipeline/topics/stretch.h"

#include <algorithm>
#include <map>
#include <utility>

namespace troupe::topics {
namespace {

/// Segments of which is remembered that they were looked for.
constexpr size_t most_segments = 1000;
/// A writer is forgotten when others write for so long without it.
constexpr int64_t writer_silence_ms = 3'600'000;
/// Other senders, who do not say how far they are, when they are silent for so long.
constexpr int64_t sender_silence_ms = 60'000;

timestamp_ms newest_sample(const std::vector<batch_ptr>& batches) {
  timestamp_ms out = min_time;
  for (const auto& b : batches) {
    for (const auto& f : b->floats)
      out = std::max(out, f.ts);
    for (const auto& h : b->histograms)
      out = std::max(out, h.ts);
  }
  return out;
}

// `a` was more than `ms` before `b`.
bool is_long_before(timestamp_ms a, timestamp_ms b, int64_t ms) {
  return b > min_time + ms && a < b - ms;
}

// Where `next` lies in what is stored already it moves behind it.
void pass_stored(stretch_place& p) {
  while (!p.stored.empty() && p.stored.front().first <= p.next) {
    p.next = std::max(p.next, p.stored.front().end);
    p.stored.erase(p.stored.begin());
  }
}

// The last record that was stored is looked at again: it tells a topic that was made anew.
int64_t start_of(const stretch_place& p) {
  int64_t out = p.next;
  if (p.last && p.last->offset + 1 == p.next)
    out = std::min(out, p.last->offset);
  if (p.key)
    out = std::min(out, *p.key);
  return out;
}

}  // namespace

stretch::stretch(uint32_t partition, stretch_place at, const reader_rules& rules,
                 std::shared_ptr<remote::series_cache> known)
    : partition_(partition),
      reader_(rules, std::move(known)),
      place_(std::move(at)),
      ahead_(place_),
      at_(start_of(place_)) {}

taken_record stretch::take(const kafka::fetched_record& r,
                           std::optional<kafka::offset_range> there) {
  if (r.offset < at_)
    return {};
  taken_record out;
  if (has_passed_over(r, there)) {
    out.kind = taken_record::what::rewind;
    out.from = at_;
    return out;
  }
  if (ahead_.end && r.offset >= *ahead_.end) {
    ahead_.next = *ahead_.end;
    out.kind = taken_record::what::end;
    return out;
  }
  if (r.offset < ahead_.next)
    return learn(r);
  const auto lacking = lacks(r);
  if (lacking) {
    if (const auto from = rewind_for(*lacking, r, there)) {
      out.kind = taken_record::what::rewind;
      out.from = *from;
      return out;
    }
    out.not_understood = true;
    out.first_of_segment = told_.insert({lacking->node, lacking->session, lacking->segment}).second;
  }
  auto got = reader_.read(r.payload, r.offset);
  if (!oldest_)
    oldest_ = r.ts;
  advance(r);
  out.kind = taken_record::what::read;
  if (got.ok()) {
    out.got = std::move(*got);
    note(out.got, r.ts);
  } else if (lacking) {
    out.got.lost = lacking->samples;
    note({lacking->node, lacking->as_of, r.ts});
  } else {
    out.kind = taken_record::what::unreadable;
    out.why = got.error();
  }
  return out;
}

// Once for each place: in topics of others there are offsets without a record.
bool stretch::has_passed_over(const kafka::fetched_record& r,
                              const std::optional<kafka::offset_range>& there) {
  return r.offset > at_ && is_record(r.payload) && (!there || there->first <= at_) &&
         std::exchange(missed_, at_) != at_;
}

std::optional<record_header> stretch::lacks(const kafka::fetched_record& r) const {
  if (reader_.knows(r.payload, r.offset))
    return std::nullopt;
  const auto parts = split_record(r.payload);
  if (!parts.ok() || parts->header.samples == 0)
    return std::nullopt;
  return parts->header;
}

taken_record stretch::learn(const kafka::fetched_record& r) {
  taken_record out;
  if (ahead_.last && ahead_.last->offset == r.offset && ahead_.last->ts != r.ts) {
    out.kind = taken_record::what::other_topic;
    return out;
  }
  out.kind = taken_record::what::learned;
  at_ = r.offset + 1;
  // One that is damaged was told of when it was to be read.
  reader_.learn(r.payload, r.offset).ignore();
  if (const auto parts = split_record(r.payload); parts.ok())
    note({parts->header.node, parts->header.as_of, r.ts});
  return out;
}

// From where to read what the record refers to, once.
std::optional<int64_t> stretch::rewind_for(const record_header& h, const kafka::fetched_record& r,
                                           std::optional<kafka::offset_range> there) {
  if (h.key_offset < 0 || h.key_offset >= r.offset || (there && h.key_offset < there->first))
    return std::nullopt;
  if (tried_.size() >= most_segments)
    tried_.clear();
  if (!tried_.insert({h.node, h.session, h.segment}).second)
    return std::nullopt;
  return h.key_offset;
}

void stretch::advance(const kafka::fetched_record& r) {
  at_ = ahead_.next = r.offset + 1;
  ahead_.last = record_stamp{r.offset, r.ts};
  pass_stored(ahead_);
  if (told_.size() >= most_segments)
    told_.clear();
}

void stretch::note(const read_record& got, timestamp_ms ts) {
  if (got.header)
    note({got.header->node, got.header->as_of, ts});
  else if (const auto newest = newest_sample(got.batches); newest != min_time)
    note({0, ts > 0 ? std::min(newest, ts) : newest, ts});
}

void stretch::note(const writer_mark& mark) {
  auto& all = ahead_.writers;
  const auto at =
      std::lower_bound(all.begin(), all.end(), mark.node,
                       [](const writer_mark& w, uint64_t node) { return w.node < node; });
  if (at != all.end() && at->node == mark.node) {
    at->as_of = std::max(at->as_of, mark.as_of);
    at->heard = std::max(at->heard, mark.heard);
    return;
  }
  all.insert(at, mark);
  if (all.size() > most_writers)
    all.erase(std::min_element(all.begin(), all.end(),
                               [](const auto& a, const auto& b) { return a.heard < b.heard; }));
}

void stretch::stored() {
  ahead_.key = reader_.key_offset();
  if (ahead_.key && *ahead_.key >= ahead_.next)
    ahead_.key.reset();
  place_ = ahead_;
  oldest_.reset();
}

int64_t stretch::skip_to(int64_t offset) {
  const int64_t to = std::max(ahead_.next, ahead_.end ? std::min(offset, *ahead_.end) : offset);
  int64_t missing = to - ahead_.next;
  for (const auto& s : ahead_.stored)
    missing -= std::max<int64_t>(0, std::min(s.end, to) - s.first);
  ahead_.next = to;
  pass_stored(ahead_);
  return missing;
}

void stretch::end_at(int64_t end, offset_span stored) {
  auto& spans = ahead_.stored;
  if (stored.first < stored.end && !spans.empty() && spans.back().end == stored.first)
    spans.back().end = stored.end;
  else if (stored.first < stored.end)
    spans.push_back(stored);
  if (spans.size() > most_spans)
    spans.erase(std::min_element(spans.begin(), spans.end(), [](const auto& a, const auto& b) {
      return a.end - a.first < b.end - b.first;
    }));
  ahead_.end = end;
  pass_stored(ahead_);
  place_ = ahead_;
}

void stretch::add_writers(const std::vector<writer_mark>& more) {
  for (const auto& w : more)
    note(w);
  place_.writers = ahead_.writers;
}

std::optional<timestamp_ms> complete_until(const stretch_place& p, bool at_end, int64_t now_ms) {
  if (p.writers.empty())
    return at_end ? std::optional(max_time) : std::nullopt;
  timestamp_ms newest = min_time;
  for (const auto& w : p.writers)
    newest = std::max(newest, w.heard);
  timestamp_ms out = max_time;
  for (const auto& w : p.writers) {
    if (is_long_before(w.heard, newest, writer_silence_ms))
      continue;
    if (w.node == 0 && at_end && is_long_before(w.heard, now_ms, sender_silence_ms))
      continue;
    out = std::min(out, w.as_of);
  }
  return out;
}

std::vector<writer_mark> nodes_of(const std::vector<writer_mark>& marks) {
  std::map<uint64_t, writer_mark> by_node;
  timestamp_ms newest = min_time;
  for (const auto& m : marks) {
    newest = std::max(newest, m.heard);
    if (m.node == 0)
      continue;
    writer_mark& w = by_node.try_emplace(m.node, m).first->second;
    w.as_of = std::min(w.as_of, m.as_of);
    w.heard = std::max(w.heard, m.heard);
  }
  std::vector<writer_mark> out;
  for (const auto& [node, w] : by_node)
    if (!is_long_before(w.heard, newest, writer_silence_ms))
      out.push_back(w);
  return out;
}

}  // namespace troupe::topics
