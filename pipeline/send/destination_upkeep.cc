// What a destination does now and then: its cursor and holds, the bound on its log, overtaking,
// metadata, metrics.
#include "pipeline/send/destination.h"
#include "pipeline/send/request.h"
#include "storage/base/log.h"

#include <algorithm>
#include <utility>

namespace troupe::send {
namespace {

const logger out_log("remote_write");

constexpr int64_t upkeep_ns = 1'000'000'000;
constexpr int64_t bound_ns = 5'000'000'000;
constexpr int64_t describe_ns = 60'000'000'000;
constexpr int64_t overtake_ns = 60'000'000'000;
constexpr int64_t ns_per_ms = 1'000'000;
constexpr size_t most_lanes = 8;
constexpr std::string_view probe_name = "troupe_remote_write_probe";

}  // namespace

cursor destination::now() {
  cursor out;
  for (auto& l : lanes_)
    out.stretches.push_back(l->at());
  return out;
}

void destination::store_cursor() {
  if (const status s = file_.store(now()); !s.ok())
    note_error("cannot write down what was sent: " + std::string(s.message()));
}

void destination::append_moved() {
  std::vector<advance> steps;
  for (uint32_t i = 0; i < lanes_.size(); ++i)
    for (const uint16_t slot : lanes_[i]->take_moved())
      steps.push_back({i, slot, lanes_[i]->next(slot)});
  if (steps.empty())
    return;
  if (const status s = file_.append(steps, [this] { return now(); }); !s.ok())
    note_error("cannot write down what was sent: " + std::string(s.message()));
}

void destination::flush() {
  if (!begun_)
    return;
  append_moved();
  if (const status s = file_.sync(); !s.ok())
    note_error("cannot write down what was sent: " + std::string(s.message()));
  publish_drops();
}

void destination::move_holds() {
  storage::log_door& log = *parts_.log;
  std::vector<storage::log_segment> oldest;
  for (uint32_t i = 0; i < log.shard_count(); ++i) {
    auto first = lanes_.front()->oldest(i);
    for (const auto& l : lanes_)
      first = std::min(first, l->oldest(i));
    oldest.push_back(first);
  }
  if (oldest == held_)
    return;
  // What the cursor on disk still needs must not go.
  if (!held_.empty())
    store_cursor();
  for (uint32_t i = 0; i < oldest.size(); ++i)
    if (const status s =
            log.hold(hold_name(parts_.id, i), i, oldest[i], 2 * options_.log_limit_bytes);
        !s.ok())
      return note_error("cannot hold the log: " + std::string(s.message()));
  held_ = std::move(oldest);
}

void destination::bound_log() {
  const storage::log_door& log = *parts_.log;
  const uint32_t shards = log.shard_count();
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < shards; ++i) {
    const uint64_t behind = log.bytes_since(i, held_.empty() ? log.end(i) : held_[i]);
    bytes += behind;
    if (behind <= options_.log_limit_bytes / shards)
      continue;
    const auto horizon = log.oldest_within(i, options_.log_limit_bytes / shards);
    for (auto& l : lanes_)
      l->drop_before(i, horizon);
  }
  parts_.metrics->lag_bytes.set(static_cast<double>(bytes));
}

void destination::keep_up(timestamp_ms now_ms, int64_t now_ns) {
  if (now_ns < next_upkeep_ns_)
    return;
  next_upkeep_ns_ = now_ns + upkeep_ns;
  if (std::all_of(lanes_.begin(), lanes_.end(), [](const auto& l) { return l->ready() == 0; }))
    allowed_.on_idle(now_ns);
  if (now_ns >= next_bound_ns_) {
    next_bound_ns_ = now_ns + bound_ns;
    bound_log();
  }
  flush();
  remove_finished();
  move_holds();
  publish(now_ms);
}

void destination::remove_finished() {
  bool any = false;
  for (size_t i = 0; i + 1 < lanes_.size();) {
    if (!lanes_[i]->finished()) {
      ++i;
      continue;
    }
    lanes_.erase(lanes_.begin() + static_cast<ptrdiff_t>(i));
    published_.erase(published_.begin() + static_cast<ptrdiff_t>(i));
    any = true;
  }
  if (any)
    store_cursor();
}

// --- overtaking ---

void destination::split() {
  auto fresh = lane::begin_at_end(*parts_.log);
  if (!fresh.ok())
    return note_error("cannot read the log: " + std::string(fresh.error().message()));
  out_log.info("{}: fresh samples overtake those that wait", parts_.id);
  lanes_.back()->end_at(*fresh);
  lanes_.push_back(std::make_unique<lane>(*parts_.log, std::move(*fresh), parts_.rules,
                                          lanes_.back()->options()));
  published_.emplace_back();
  store_cursor();
}

void destination::overtake(timestamp_ms now_ms, int64_t now_ns, uint64_t& next_token,
                           std::vector<http::fetch_request>& out) {
  if (options_.fresh_first_lag_ms == 0 || !answering_ || now_ns < next_overtake_ns_ ||
      lanes_.size() == most_lanes)
    return;
  const timestamp_ms oldest = lanes_.back()->oldest_ts();
  if (oldest == max_time || now_ms - oldest < options_.fresh_first_lag_ms)
    return;
  next_overtake_ns_ = now_ns + overtake_ns;
  if (late_ == late_samples::taken)
    return split();
  if (late_ == late_samples::refused)
    return;
  request r;
  r.what = request::content::probe;
  r.body = probe_body(now_ms);
  requests_.push_back(std::move(r));
  out.push_back(to_fetch(requests_.back(), next_token++));
}

// Whether the receiver takes late samples is asked with a series of our own: a sample of now, then
// one as old as the oldest that waits.
std::string destination::probe_body(timestamp_ms ts) {
  labels_builder b;
  for (const auto& [name, value] : parts_.rules->external_labels)
    b.set(name, value);
  b.set(metric_name_label, probe_name);
  b.set("remote_name", config_.name.empty() ? parts_.id : config_.name);
  portion p;
  p.entries.push_back({b.build(), ts, no_start_timestamp, 1, 0, entry_kind::sample, nullptr});
  return encoder_.encode(std::span(&p, 1), described_);
}

void destination::take_probe(std::list<request>::iterator at, bool taken, bool refused,
                             int64_t now_ns) {
  const bool late = at->late_probe;
  if (taken && !late) {
    // Sent by the next fill().
    at->late_probe = true;
    at->body = probe_body(lanes_.back()->oldest_ts() == max_time ? 0 : lanes_.back()->oldest_ts());
    at->not_before_ns = now_ns;
    return;
  }
  requests_.erase(at);
  if (taken)
    late_ = late_samples::taken;
  else if (refused && late)
    late_ = late_samples::refused;
  if (late_ == late_samples::refused)
    out_log.info("{}: the receiver refuses late samples: what waits is sent in order", parts_.id);
  if (taken && late)
    next_overtake_ns_ = now_ns;
}

// --- metadata ---

void destination::send_metadata(uint64_t& next_token, int64_t now_ns,
                                std::vector<http::fetch_request>& out) {
  const bool v1 = protocol_ == remote::write_protocol::v1;
  if (v1 && !config_.metadata.send)
    return;
  if (now_ns >= next_description_ns_) {
    next_description_ns_ =
        now_ns + (v1 ? config_.metadata.send_interval_ms * ns_per_ms : describe_ns);
    described_.add(parts_.described());
    if (v1)
      to_describe_.assign(described_.all().begin(), described_.all().end());
  }
  const bool under_way = std::any_of(requests_.begin(), requests_.end(), [](const request& r) {
    return r.what == request::content::metadata;
  });
  if (to_describe_.empty() || under_way)
    return;
  const auto most =
      static_cast<size_t>(std::max<int64_t>(config_.metadata.max_samples_per_send, 1));
  request r;
  r.what = request::content::metadata;
  r.families = std::min(most, to_describe_.size());
  r.backoff_ms = config_.queue.min_backoff_ms;
  const auto first = to_describe_.end() - static_cast<ptrdiff_t>(r.families);
  r.body = body_encoder::encode_metadata({first, to_describe_.end()});
  to_describe_.erase(first, to_describe_.end());
  requests_.push_back(std::move(r));
  out.push_back(to_fetch(requests_.back(), next_token++));
}

// --- metrics ---

void destination::publish_drops() {
  const auto since = [](const kind_counters& to, const entry_counts& now,
                        const entry_counts& before) { to.add(now.without(before)); };
  const figures& m = *parts_.metrics;
  for (size_t i = 0; i < lanes_.size(); ++i) {
    const lane_drops& now = lanes_[i]->drops();
    lane_drops& before = published_[i];
    since(m.relabelled, now.relabelled, before.relabelled);
    since(m.too_old, now.too_old, before.too_old);
    since(m.custom_buckets, now.custom_buckets, before.custom_buckets);
    since(m.for_room, now.for_room, before.for_room);
    m.damaged.add(static_cast<double>(now.damaged - before.damaged));
    before = now;
  }
}

void destination::publish(timestamp_ms now_ms) {
  figures& m = *parts_.metrics;
  size_t waiting = 0, ready = 0;
  timestamp_ms oldest = max_time, read = min_time;
  for (const auto& l : lanes_) {
    waiting += l->waiting();
    ready += l->ready();
    oldest = std::min(oldest, l->oldest_ts());
    read = std::max(read, l->highest_read());
  }
  const auto full = static_cast<size_t>(std::max<int64_t>(config_.queue.max_samples_per_send, 1));
  m.pending.set(static_cast<double>(waiting));
  m.shards.set(static_cast<double>(allowed_.allowed()));
  m.shards_desired.set(static_cast<double>(
      std::clamp(ready / full + requests_.size(), allowed_.least(), allowed_.most())));
  m.backlogs.set(static_cast<double>(lanes_.size() - 1));
  m.lag_seconds.set(
      oldest == max_time ? 0 : static_cast<double>(std::max<int64_t>(now_ms - oldest, 0)) / 1000);
  if (highest_sent_ != min_time)
    m.highest_sent.set(static_cast<double>(highest_sent_) / 1000);
  if (read != min_time)
    m.highest_read.set(static_cast<double>(read) / 1000);
}

}  // namespace troupe::send
