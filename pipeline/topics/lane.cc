#include "pipeline/topics/lane.h"

#include "storage/base/fault_twin.h"

#include <fmt/format.h>

#include <algorithm>

namespace troupe::topics {
namespace {

constexpr int64_t ns_per_ms = 1'000'000;
constexpr int64_t least_pause_ms = 250, most_pause_ms = 5'000;
constexpr int64_t start_pause_ms = 1'000;
/// Of a portion: what it decodes to is many times as large as its records.
constexpr uint64_t most_samples = 200'000;
/// Of a portion: each may cost some writes to the disk.
constexpr uint64_t most_unreadable = 50;
/// So much at once says that there is more.
constexpr uint64_t much_bytes = 64 << 10;
constexpr int64_t late_ms = 60'000;
/// What is read at once anyway is no backlog.
constexpr int64_t few_records = 16;
constexpr int64_t many_records = 100'000;

// Storage as a whole cannot take anything now; else it is the batch.
bool passes(const status& s) {
  return s.code() != errc::invalid_argument && s.code() != errc::corruption &&
         s.code() != errc::unsupported;
}

}  // namespace

lane::lane(std::unique_ptr<kafka::consumer> from, tally& told, uint64_t& next_token, bool keeps_up)
    : from_(std::move(from)), told_(told), next_token_(next_token), keeps_up_(keeps_up) {}

stretch* lane::find(uint32_t partition) const {
  const auto at = stretches_.find(partition);
  return at == stretches_.end() ? nullptr : at->second.get();
}

void lane::add(std::unique_ptr<stretch> s) {
  s->now = stretch::phase::waiting;
  stretches_[s->partition()] = std::move(s);
}

std::unique_ptr<stretch> lane::remove(uint32_t partition) {
  stretch* s = find(partition);
  if (s == nullptr)
    return nullptr;
  halt(*s);
  changed_.erase(partition);
  auto out = std::move(stretches_[partition]);
  stretches_.erase(partition);
  return out;
}

std::optional<delivery> lane::step(uint64_t most_bytes, int64_t now_ms, int64_t now_ns) {
  if (under_way_) {
    if (under_way_->handed_out || now_ns < under_way_->again_ns)
      return std::nullopt;
    return hand_out();
  }
  settle_stopped();
  start_waiting(now_ms, now_ns);
  fetch(most_bytes);
  read(now_ms);
  return under_way_ ? hand_out() : std::nullopt;
}

std::optional<delivery> lane::hand_out() {
  under_way_->handed_out = true;
  return delivery{under_way_->token, under_way_->batches};
}

void lane::start_waiting(int64_t now_ms, int64_t now_ns) {
  if (now_ns < start_again_ns_)
    return;
  for (auto& [p, s] : stretches_) {
    if (s->now != stretch::phase::waiting)
      continue;
    if (keeps_up_ && s->is_new && !is_decided(*s, now_ms))
      continue;
    if (const status st = from_->start(p, s->fetch_from()); !st.ok()) {
      start_again_ns_ = now_ns + start_pause_ms * ns_per_ms;
      return told_.failed(tally::trouble::reading,
                          fmt::format("cannot read partition {}: {}", p, st.message()));
    }
    told_.recovered(tally::trouble::reading);
    s->now = stretch::phase::reading;
  }
}

// Before the first record is asked for: what it will be as late as the one before it tells.
bool lane::is_decided(stretch& s, int64_t now_ms) {
  const auto& last = s.place().last;
  if (last && !from_->range(s.partition()))
    return false;
  s.is_new = false;
  return !last || !is_late(s, s.next(), last->ts, now_ms);
}

// It halts then: the newest shall be read first.
bool lane::is_late(stretch& s, int64_t offset, timestamp_ms ts, int64_t now_ms) {
  if (!keeps_up_ || !s.caught_up || offset < s.next())
    return false;
  const auto there = from_->range(s.partition());
  const int64_t left = there ? there->end - offset : 0;
  // Where records have no time their number tells.
  if (ts > 0 ? left <= few_records || ts >= now_ms - late_ms : left <= many_records)
    return false;
  s.late = there->end;
  halt(s);
  return true;
}

void lane::halt(stretch& s) {
  if (s.now == stretch::phase::reading)
    from_->stop(s.partition());
  s.now = stretch::phase::halted;
  drop_queued(s.partition());
}

void lane::note_change(stretch& s, change c) {
  changed_[s.partition()] = std::move(c);
  halt(s);
}

bool lane::has_queued(uint32_t partition) const {
  return std::any_of(queue_.begin(), queue_.end(),
                     [&](const auto& r) { return r.partition == partition; });
}

void lane::drop_queued(uint32_t partition) {
  std::erase_if(queue_, [&](const auto& r) {
    if (r.partition != partition)
      return false;
    queued_bytes_ -= r.payload.size();
    return true;
  });
  std::erase_if(stopped_, [&](const auto& s) { return s.partition == partition; });
}

void lane::rewind(stretch& s, int64_t offset) {
  halt(s);
  s.rewind_to(offset);
  s.now = stretch::phase::waiting;
  much_ = true;
}

// What was fetched before it stopped is read first.
void lane::settle_stopped() {
  const auto all = std::exchange(stopped_, {});
  for (const auto& at : all) {
    stretch* s = find(at.partition);
    if (s == nullptr || s->now != stretch::phase::reading)
      continue;
    if (has_queued(at.partition))
      stopped_.push_back(at);
    else
      settle(*s, at);
  }
}

void lane::settle(stretch& s, const kafka::stopped_partition& at) {
  if (at.why == kafka::offset_trouble::beyond_end)
    return note_change(s, {fmt::format("record {} is not there any more, it ends at {}: the topic "
                                       "was made anew, or has lost its end",
                                       at.asked, at.end),
                           at.first});
  // Records that only later ones refer to are no gap.
  if (at.first > s.next()) {
    skip(s, at.first);
    s.stored();
    moved_ = true;
  }
  rewind(s, at.first);
}

void lane::skip(stretch& s, int64_t to) {
  const int64_t from = s.next();
  const auto missing = static_cast<uint64_t>(s.skip_to(to));
  if (missing != 0 && (!s.is_begin_unknown || s.last()))
    told_.gap(s.partition(), {from, s.next()}, missing, s.last());
}

void lane::fetch(uint64_t most_bytes) {
  much_ = false;
  if (stretches_.empty() || bytes() >= most_bytes)
    return;
  auto got = from_->poll(most_bytes - bytes());
  uint64_t bytes = 0;
  for (auto& r : got.records) {
    bytes += r.payload.size();
    queue_.push_back(std::move(r));
  }
  queued_bytes_ += bytes;
  much_ = bytes >= much_bytes;
  told_.fetched(got.records.size(), bytes);
  stopped_.insert(stopped_.end(), got.stopped.begin(), got.stopped.end());
}

void lane::read(int64_t now_ms) {
  portion p;
  while (!queue_.empty() && p.samples < most_samples && p.unreadable < most_unreadable) {
    auto r = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= r.payload.size();
    read_one(std::move(r), p, now_ms);
  }
  if (p.batches.empty())
    return finish(p);
  if (TROUPE_FAULT(offset_before_storage))
    finish(p);
  p.token = next_token_++;
  under_way_ = std::move(p);
}

void lane::read_one(kafka::fetched_record r, portion& to, int64_t now_ms) {
  stretch* s = find(r.partition);
  if (s == nullptr || s->now != stretch::phase::reading)
    return;
  if (is_late(*s, r.offset, r.ts, now_ms))
    return;
  const auto there = from_->range(r.partition);
  // A cluster that does not say that it has passed over them.
  if (there && r.offset > s->next() && there->first > s->next())
    skip(*s, std::min(there->first, r.offset));
  if (r.offset >= s->next() && (r.ts >= now_ms - late_ms || (there && r.offset + 1 >= there->end)))
    s->caught_up = true;
  auto taken = s->take(r, there);
  act(*s, std::move(taken), std::move(r), to);
}

void lane::act(stretch& s, taken_record taken, kafka::fetched_record r, portion& to) {
  using what = taken_record::what;
  switch (taken.kind) {
    case what::passed_over:
      return;
    case what::rewind:
      return rewind(s, taken.from);
    case what::other_topic: {
      const auto there = from_->range(r.partition);
      return note_change(
          s,
          {fmt::format("record {} is another one than before: the topic was made anew", r.offset),
           there ? std::optional(there->first) : std::nullopt});
    }
    case what::end:
    case what::learned:
      break;
    case what::unreadable:
      told_.poisoned(r, taken.why.message());
      ++to.unreadable;
      break;
    case what::read:
      take_batches(std::move(taken), std::move(r), to);
      break;
  }
  to.partitions.insert(s.partition());
  if (s.is_through())
    halt(s);
}

void lane::take_batches(taken_record taken, kafka::fetched_record r, portion& to) {
  if (taken.not_understood)
    told_.not_understood(r, taken.got.lost, taken.first_of_segment);
  else
    told_.lost(r, taken.got.lost);
  told_.refused(r, taken.got.refused, taken.got.why);
  if (taken.got.batches.empty())
    return;
  to.bytes += r.payload.size();
  to.samples += taken.got.samples;
  to.records.emplace_back(std::move(r), taken.got.batches.size());
  std::move(taken.got.batches.begin(), taken.got.batches.end(), std::back_inserter(to.batches));
}

bool lane::on_stored(uint64_t token, const std::vector<ingest::outcome>& outcomes, int64_t now_ns) {
  if (!is_storing() || under_way_->token != token)
    return false;
  for (const auto& o : outcomes) {
    if (o.error.ok() || !passes(o.error))
      continue;
    told_.failed(tally::trouble::storing, "cannot store: " + std::string(o.error.message()));
    pause_ms_ = std::clamp(pause_ms_ * 2, least_pause_ms, most_pause_ms);
    under_way_->again_ns = now_ns + pause_ms_ * ns_per_ms;
    under_way_->handed_out = false;
    return true;
  }
  const auto p = std::move(*std::exchange(under_way_, std::nullopt));
  pause_ms_ = 0;
  storage::append_report sum;
  auto o = outcomes.begin();
  for (const auto& [r, batches] : p.records) {
    status refused;
    for (size_t i = 0; i < batches && o != outcomes.end(); ++i, ++o) {
      sum += o->report;
      if (!o->error.ok())
        refused = o->error;
    }
    if (!refused.ok())
      told_.poisoned(r, refused.message());
  }
  told_.stored(sum);
  told_.recovered(tally::trouble::storing);
  finish(p);
  return true;
}

void lane::finish(const portion& p) {
  for (const uint32_t partition : p.partitions) {
    stretch* s = find(partition);
    if (s == nullptr)
      continue;
    s->stored();
    const auto there = from_->range(partition);
    s->at_end = there && s->place().next >= there->end;
    moved_ = true;
  }
}

}  // namespace troupe::topics
