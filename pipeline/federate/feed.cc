#include "pipeline/federate/feed.h"

#include "query/parser/parser.h"
#include "storage/base/log.h"

#include <algorithm>
#include <utility>

namespace troupe::federate {
namespace {

using send::lane;
using send::stretch;
using storage::log_segment;

const logger out_log("federation");

constexpr size_t read_slice_bytes = 256 << 10;
/// Of a lane in one poll: the owner has other subscriptions.
constexpr int most_slices = 64;
constexpr int64_t split_again_ns = 60'000'000'000;
constexpr int64_t ns_per_ms = 1'000'000;

result<send::series_rules_ptr> rules_of(const stream_request& r,
                                        const std::map<std::string, std::string>& external_labels) {
  auto out = std::make_shared<send::series_rules>();
  for (const auto& text : r.selectors) {
    auto one = query::parse_metric_selector(text);
    if (!one.ok())
      return one.error().with_context("selector " + text);
    out->selectors.push_back(std::move(*one));
  }
  if (out->selectors.empty())
    return {errc::invalid_argument, "no selector"};
  out->external_labels = external_labels;
  out->external_labels.insert(r.labels.begin(), r.labels.end());
  return send::series_rules_ptr(std::move(out));
}

uint64_t count_entries(const std::vector<send::portion>& parts) {
  uint64_t n = 0;
  for (const auto& p : parts)
    n += p.entries.size();
  return n;
}

}  // namespace

std::string feed::hold_name(const std::string& subscription, uint32_t shard) {
  return std::string(hold_prefix) + subscription + "/" + std::to_string(shard);
}

feed::feed(const feed_parts& parts, const stream_request& first, send::series_rules_ptr rules)
    : parts_(parts), of_(first), rules_(std::move(rules)), encoder_(remote::write_protocol::v2) {}

feed::~feed() = default;

result<std::unique_ptr<feed>> feed::open(
    const feed_parts& parts, const stream_request& first,
    const std::map<std::string, std::string>& external_labels) {
  TROUPE_ASSIGN(auto rules, rules_of(first, external_labels));
  std::unique_ptr<feed> f(new feed(parts, first, std::move(rules)));
  stream_cursor at = f->begin(first.cursor);
  f->as_of_ = at.as_of;
  for (auto& s : at.at.stretches)
    f->lanes_.push_back(f->make_lane(std::move(s)));
  // Before looking: nothing may go in between.
  TROUPE_TRY(f->hold(f->oldest()));
  return f;
}

std::unique_ptr<lane> feed::make_lane(stretch from) const {
  return std::make_unique<lane>(*parts_.log, std::move(from), rules_,
                                send::lane_options{true, true, true, 0});
}

// The cursor itself, or where a stream begins that cannot go on from it.
stream_cursor feed::begin(const std::string& text) {
  if (text.empty()) {
    start_ = stream_start::anew;
  } else {
    auto c = read_cursor(text);
    if (c.ok() && is_of_this_log(*c))
      return std::move(*c);
    start_ = c.ok() ? stream_start::other_data : stream_start::unreadable;
    out_log.error("{}: {}: it gets all that the log has", of_.subscription,
                  c.ok() ? "its cursor is of other data" : "its cursor is damaged");
  }
  stream_cursor out{parts_.source, min_time, {}};
  out.at.stretches = {lane::begin_of_log(*parts_.log)};
  return out;
}

bool feed::is_of_this_log(const stream_cursor& c) const {
  const uint64_t epoch = parts_.log->epoch();
  return c.source == parts_.source &&
         std::all_of(c.at.stretches.begin(), c.at.stretches.end(), [&](const stretch& s) {
           return std::all_of(s.next.begin(), s.next.end(),
                              [&](const send::place& p) { return p.epoch <= epoch; }) &&
                  std::all_of(s.from.begin(), s.from.end(),
                              [&](const log_segment& l) { return l.epoch <= epoch; });
         });
}

status feed::hold(const std::vector<log_segment>& oldest) {
  const uint64_t keep = std::min(of_.keep_bytes, parts_.options.most_keep_bytes);
  for (uint32_t i = 0; i < oldest.size(); ++i)
    TROUPE_TRY(
        parts_.log->hold(hold_name(of_.subscription, i), i, oldest[i], keep / oldest.size()));
  return {};
}

std::vector<log_segment> feed::oldest() const {
  std::vector<log_segment> out;
  for (uint32_t i = 0; i < parts_.log->shard_count(); ++i) {
    auto first = lanes_.front()->oldest(i);
    for (const auto& l : lanes_)
      first = std::min(first, l->oldest(i));
    out.push_back(first);
  }
  return out;
}

bool feed::go_on(const stream_request& next) {
  if (next.selectors != of_.selectors || next.labels != of_.labels ||
      next.keep_bytes != of_.keep_bytes || last_cursor_.empty() || next.cursor != last_cursor_)
    return false;
  return hold(done_).ok();
}

status feed::read(send::metadata_book& described, timestamp_ms now_ms, int64_t now_ns) {
  for (auto& l : lanes_)
    for (int i = 0; i < most_slices; ++i) {
      auto more = l->read(parts_.options.most_entries, read_slice_bytes, now_ms, now_ns);
      described.add(l->take_described());
      if (!more.ok())
        return more.error();
      if (!*more || l->waiting() >= parts_.options.most_entries)
        break;
    }
  return {};
}

timestamp_ms feed::as_of(const lane& l, timestamp_ms now_ms) const {
  if (l.oldest_ts() != max_time)
    return l.oldest_ts();
  if (l.caught_up())
    return now_ms;
  if (l.newest_ts() != min_time)
    return l.newest_ts();
  return as_of_ != min_time ? as_of_ : now_ms;
}

bool feed::has_enough(int64_t now_ns) const {
  for (const auto& l : lanes_)
    if (l->ready() >= parts_.options.most_entries || (l->ended() && l->ready() > 0) ||
        (l->ready() > 0 && now_ns - l->oldest_ready_ns() >= parts_.options.gather_ms * ns_per_ms))
      return true;
  return false;
}

std::optional<stream_answer> feed::poll(bool due, send::metadata_book& described,
                                        timestamp_ms now_ms, int64_t now_ns) {
  stream_answer out;
  out.error = read(described, now_ms, now_ns);
  if (!out.error.ok())
    return out;
  const bool fresh_waits =
      now_ms - as_of(*lanes_.back(), now_ms) >= parts_.options.fresh_first_lag_ms;
  if (fresh_waits && lanes_.size() < stream_cursor::most_stretches && now_ns >= next_split_ns_) {
    next_split_ns_ = now_ns + split_again_ns;
    out.error = split();
    if (out.error.ok())
      out.error = read(described, now_ms, now_ns);
    if (!out.error.ok())
      return out;
  }
  if (!due && !has_enough(now_ns))
    return std::nullopt;
  const auto parts = take();
  out.samples = count_entries(parts);
  if (out.samples != 0)
    out.body = encoder_.encode(parts, described);
  out.start = std::exchange(start_, stream_start::goes_on);
  note_losses(out, now_ms);
  done_ = oldest();
  stream_cursor behind{parts_.source, as_of_, {}};
  for (auto& l : lanes_)
    behind.at.stretches.push_back(l->at());
  out.cursor = last_cursor_ = to_text(behind);
  return out;
}

// Half of an answer is for what was missed, if there is so much.
std::vector<send::portion> feed::take() {
  std::vector<send::portion> out;
  size_t left = parts_.options.most_entries;
  for (size_t i = lanes_.size(); i-- > 0;) {
    const bool others_wait = std::any_of(lanes_.begin(), lanes_.begin() + static_cast<ptrdiff_t>(i),
                                         [](const auto& l) { return l->ready() > 0; });
    for (auto& p : lanes_[i]->take(others_wait ? left / 2 : left)) {
      lanes_[i]->settle(p);
      left -= p.taken;
      out.push_back(std::move(p));
    }
    lanes_[i]->take_moved();
  }
  return out;
}

// What is lost, and how far behind the stream is now. Forgets stretches that are done.
void feed::note_losses(stream_answer& to, timestamp_ms now_ms) {
  uint64_t damaged = past_damaged_, missing = past_missing_;
  timestamp_ms done = std::max<timestamp_ms>(now_ms, 0);
  for (const auto& l : lanes_) {
    damaged += l->drops().damaged;
    missing += l->drops().missing;
    done = std::min(done, std::max<timestamp_ms>(as_of(*l, now_ms), 0));
  }
  std::erase_if(lanes_, [&](const auto& l) {
    if (!l->finished())
      return false;
    past_damaged_ += l->drops().damaged;
    past_missing_ += l->drops().missing;
    return true;
  });
  to.damaged = damaged - std::exchange(told_damaged_, damaged);
  if (const uint64_t gone = missing - std::exchange(told_missing_, missing); gone != 0) {
    const timestamp_ms from = as_of_ == min_time ? done : as_of_;
    to.gap = stream_gap{from, std::max(from, done), gone};
    out_log.error(
        "{}: the log from {} to {} ms, {} segments or more, is gone: its `keep` of {} "
        "bytes was not enough",
        of_.subscription, to.gap->from, to.gap->to, gone, of_.keep_bytes);
  }
  as_of_ = done;
  to.lag_ms = std::max<int64_t>(now_ms - done, 0);
}

status feed::split() {
  TROUPE_ASSIGN(auto fresh, lane::begin_at_end(*parts_.log));
  lanes_.back()->end_at(fresh);
  lanes_.push_back(make_lane(std::move(fresh)));
  return {};
}

}  // namespace troupe::federate
