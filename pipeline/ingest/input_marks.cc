#include "pipeline/ingest/input_marks.h"

#include <algorithm>

namespace troupe::ingest {
namespace {

/// A request is a part of a backlog if its samples are so much older than others of the sender.
constexpr int64_t old_ms = 30'000;
/// A backlog flows as long as requests with old data are this close together.
constexpr int64_t window_ms = 5'000;
/// Nobody waits for a sender that was silent for so long.
constexpr int64_t silence_ms = 60'000;
/// Senders remembered; more are one.
constexpr size_t max_senders = 10'000;
/// Senders that are told by name.
constexpr ptrdiff_t most_told = 10;
/// Requests of a backlog remembered.
constexpr size_t max_requests = 1'000;

}  // namespace

void input_marks::note(const std::string& sender, timestamp_ms newest, int64_t now_ms) {
  const std::lock_guard guard(lock_);
  const bool room = senders_.size() < max_senders || senders_.contains(sender);
  sender_state& s = senders_[room ? sender : std::string()];
  s.last_ms = now_ms;
  s.peak = std::max(s.peak, newest);
  if (newest < s.peak - old_ms)
    s.backlog.emplace_back(now_ms, newest);
  if (s.backlog.size() > max_requests)
    s.backlog.pop_front();
}

void input_marks::forget_old(int64_t now_ms) {
  std::erase_if(senders_, [&](const auto& s) { return s.second.last_ms < now_ms - silence_ms; });
  for (auto& [sender, s] : senders_)
    while (!s.backlog.empty() && s.backlog.front().first < now_ms - window_ms)
      s.backlog.pop_front();
}

timestamp_ms input_marks::reached(const sender_state& s) {
  timestamp_ms out = s.peak;
  for (const auto& [at, newest] : s.backlog)
    out = std::min(out, newest);
  return out;
}

timestamp_ms input_marks::complete_until(int64_t now_ms) {
  const std::lock_guard guard(lock_);
  forget_old(now_ms);
  timestamp_ms out = max_time;
  for (const auto& [sender, s] : senders_)
    out = std::min(out, reached(s));
  return out;
}

std::vector<input_marks::sender_mark> input_marks::behind(timestamp_ms until, int64_t now_ms) {
  const std::lock_guard guard(lock_);
  forget_old(now_ms);
  std::vector<sender_mark> out;
  for (const auto& [sender, s] : senders_)
    if (const timestamp_ms at = reached(s); at < until)
      out.push_back({sender.empty() ? "(others)" : sender, at});
  const auto further = [](const sender_mark& a, const sender_mark& b) {
    return a.complete_until < b.complete_until;
  };
  std::stable_sort(out.begin(), out.end(), further);
  if (out.size() > static_cast<size_t>(most_told))
    out.erase(out.begin() + most_told, out.end());
  return out;
}

}  // namespace troupe::ingest
