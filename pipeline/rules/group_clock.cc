#include "pipeline/rules/group_clock.h"

#include "storage/base/check.h"
#include "storage/base/hash.h"

#include <algorithm>
#include <string_view>

namespace troupe::rules {
namespace {

// A text as Prometheus' label sets hold it: length, bytes.
void append_sized(std::string& out, std::string_view text) {
  const size_t n = text.size();
  if (n < 255) {
    out += static_cast<char>(n);
  } else {
    out += '\xff';
    for (int shift = 0; shift < 24; shift += 8)
      out += static_cast<char>(n >> shift);
  }
  out += text;
}

}  // namespace

int64_t group_offset(const std::string& file, const std::string& name, int64_t interval_ms) {
  constexpr uint64_t ns_per_ms = 1'000'000;
  std::string labels;
  for (const std::string_view text : {std::string_view("file"), std::string_view(file),
                                      std::string_view("name"), std::string_view(name)})
    append_sized(labels, text);
  return static_cast<int64_t>(xxh64(labels) % (static_cast<uint64_t>(interval_ms) * ns_per_ms) /
                              ns_per_ms);
}

group_clock::group_clock(const group_clock_settings& settings, timestamp_ms now,
                         std::vector<timestamp_ms> evaluated)
    : s_(settings), started_(now), held_since_(now) {
  TROUPE_CHECK(s_.interval_ms > 0);
  const timestamp_ms oldest = now - s_.reach_ms;
  std::erase_if(evaluated, [&](timestamp_ms t) { return t < oldest || t > now; });
  std::sort(evaluated.begin(), evaluated.end());
  if (evaluated.empty()) {
    live_ = at_or_before(now) + s_.interval_ms;
    return;
  }
  last_ = evaluated.back();
  auto known = evaluated.begin();
  live_ = at_or_before(*known) + s_.interval_ms;
  for (; live_ <= now; live_ += s_.interval_ms) {
    while (known != evaluated.end() && *known < live_)
      ++known;
    if (known == evaluated.end() || *known != live_)
      past_.push_back(live_);
  }
  resume_at_ = past_.empty() ? *last_ : past_.front() - s_.interval_ms;
}

timestamp_ms group_clock::at_or_before(timestamp_ms t) const {
  const timestamp_ms rest = (t - s_.offset_ms) % s_.interval_ms;
  return t - (rest < 0 ? rest + s_.interval_ms : rest);
}

bool group_clock::is_late(timestamp_ms instant, timestamp_ms now) const {
  return now - instant > s_.live_wait_ms + s_.interval_ms;
}

void group_clock::forget_old(timestamp_ms now) {
  while (!past_.empty() && past_.front() < now - s_.reach_ms) {
    past_.pop_front();
    ++given_up_;
  }
}

void group_clock::fall_behind(timestamp_ms now) {
  if (!is_late(live_, now))
    return;
  const timestamp_ms newest = at_or_before(now);
  // Beyond the reach nothing is to be listed.
  if (const timestamp_ms oldest = now - s_.reach_ms; live_ < oldest) {
    const int64_t skipped = (oldest - live_) / s_.interval_ms;
    given_up_ += static_cast<uint64_t>(skipped);
    live_ += skipped * s_.interval_ms;
  }
  if (past_.empty())
    held_since_ = now;
  for (; live_ < newest; live_ += s_.interval_ms)
    past_.push_back(live_);
}

std::optional<group_clock::step> group_clock::due(timestamp_ms now, timestamp_ms complete_until) {
  fall_behind(now);
  forget_old(now);
  const auto complete = [&](timestamp_ms instant) {
    return complete_until >= instant - s_.query_offset_ms;
  };
  const bool live_due = live_ <= now && (complete(live_) || now - live_ >= s_.live_wait_ms);
  const bool held_up = !past_.empty() && !forked_;
  const bool goes_ahead = !held_up || now - std::max(live_, held_since_) >= s_.live_wait_ms;
  if (live_due && goes_ahead)
    return step{live_, false, is_late(live_, now), held_up};
  if (!past_.empty() && past_.front() <= now &&
      (complete(past_.front()) || now - started_ >= s_.catch_up_wait_ms))
    return step{past_.front(), true, is_late(past_.front(), now), false};
  return {};
}

void group_clock::done(const step& s) {
  if (s.past) {
    if (!past_.empty() && past_.front() == s.instant)
      past_.pop_front();
    if (past_.empty())
      forked_ = false;
    return;
  }
  forked_ = forked_ || s.forks;
  live_ = s.instant + s_.interval_ms;
}

timestamp_ms group_clock::wake_at() const {
  timestamp_ms at = live_ + s_.live_wait_ms;
  if (!past_.empty())
    at = std::min(at, started_ + s_.catch_up_wait_ms);
  return at;
}

}  // namespace troupe::rules
