#include "pipeline/ingest/watermarks.h"

#include "storage/base/duration.h"

#include <algorithm>

namespace troupe::ingest {
namespace {

constexpr int64_t ms_per_second = 1000;
/// A source that works tells how far it is within this time of a start.
constexpr int64_t first_word_ms = 5'000;

// No series of the source can be meant if a matcher refuses a label that all of them have.
bool may_select(const matchers& ms, const labels& adds) {
  return std::all_of(ms.begin(), ms.end(), [&](const matcher& m) {
    const std::string_view added = adds.get(m.name());
    return added.empty() || m.matches(added);
  });
}

}  // namespace

void watermarks::set_sources(std::string_view stage, const std::map<std::string, labels>& sources,
                             int64_t now_ms) {
  const std::lock_guard guard(lock_);
  std::erase_if(all_, [&](const auto& w) {
    return w.first.first == stage && !sources.contains(w.first.second);
  });
  for (const auto& [name, adds] : sources) {
    watermark& w = all_[{std::string(stage), name}];
    if (w.name.empty())
      w.since_ms = now_ms;
    w.stage = std::string(stage);
    w.name = name;
    w.adds = adds;
  }
}

void watermarks::note(std::string_view stage, const std::string& name,
                      timestamp_ms complete_until) {
  const std::lock_guard guard(lock_);
  if (const auto at = all_.find({std::string(stage), name}); at != all_.end())
    at->second.complete_until = complete_until;
}

std::vector<watermark> watermarks::list() const {
  const std::lock_guard guard(lock_);
  std::vector<watermark> out;
  for (const auto& [key, w] : all_)
    out.push_back(w);
  return out;
}

// One of which nothing is known may have nothing: it gets some time to tell.
bool watermarks::is_behind(const watermark& w, timestamp_ms end, int64_t now_ms) const {
  const timestamp_ms newest = std::min<timestamp_ms>(end, now_ms);
  if (w.complete_until == min_time)
    return now_ms - w.since_ms > tolerance_ms && w.since_ms < newest;
  return w.complete_until < newest - tolerance_ms;
}

std::vector<watermark> watermarks::behind(timestamp_ms until, int64_t now_ms) const {
  auto out = list();
  std::erase_if(out, [&](const watermark& w) {
    return w.complete_until == min_time ? now_ms - w.since_ms <= first_word_ms
                                        : w.complete_until >= until;
  });
  return out;
}

bool watermarks::concerns(const watermark& w, std::span<const matchers> selectors) {
  return std::any_of(selectors.begin(), selectors.end(),
                     [&](const matchers& ms) { return may_select(ms, w.adds); });
}

bool watermarks::any_behind(timestamp_ms end, int64_t now_ms) const {
  const std::lock_guard guard(lock_);
  return std::any_of(all_.begin(), all_.end(),
                     [&](const auto& w) { return is_behind(w.second, end, now_ms); });
}

std::vector<std::string> watermarks::warnings(std::span<const matchers> selectors, timestamp_ms end,
                                              int64_t now_ms) const {
  std::vector<std::string> out;
  for (const auto& w : list()) {
    if (!is_behind(w, end, now_ms) || !concerns(w, selectors))
      continue;
    const std::string who = w.stage + " \"" + w.name + "\"";
    if (w.complete_until == min_time)
      out.push_back(who + " has brought nothing yet: its samples are missing");
    else
      out.push_back(who + " is " +
                    format_duration((now_ms - w.complete_until) / ms_per_second * ms_per_second) +
                    " behind: later samples of it may be missing");
  }
  return out;
}

}  // namespace troupe::ingest
