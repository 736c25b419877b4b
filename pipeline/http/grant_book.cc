#include "pipeline/http/grant_book.h"

#include "storage/base/log.h"

#include <algorithm>
#include <string>
#include <utility>

namespace troupe::http {
namespace {

const logger out_log("http");

constexpr int64_t ns_per_ms = 1'000'000;
// A grant is used until a little before its end, and a new one asked for before that: when its last
// fifth begins, at most five minutes.
constexpr int64_t margin_ms = 10'000, shortest_use_ms = 1'000, longest_ahead_ms = 300'000;
constexpr int64_t renew_again_ns = 10'000'000'000;

}  // namespace

grant bearer_grant(secret token, int64_t lifetime_ms, headers also) {
  const auto authorize = [token = std::move(token), also = std::move(also)](const fetch_request&,
                                                                            int64_t) {
    headers out = also;
    out.push_back({"Authorization", "Bearer " + token.reveal()});
    return out;
  };
  return {authorize, lifetime_ms};
}

const grant_book::slot* grant_book::find(const grant_source& from) const {
  const auto at = slots_.find(&from);
  return at == slots_.end() ? nullptr : &at->second;
}

const grant* grant_book::in_force(const grant_source& from, int64_t now_ns) const {
  const auto* s = find(from);
  return s != nullptr && now_ns < s->end_ns ? &s->given : nullptr;
}

bool grant_book::is_due(const grant_source& from, int64_t now_ns) const {
  const auto* s = find(from);
  return s == nullptr || (!s->asking && now_ns >= s->renew_ns);
}

bool grant_book::is_asking(const grant_source& from) const {
  const auto* s = find(from);
  return s != nullptr && s->asking;
}

status grant_book::why_none(const grant_source& from) const {
  const auto* s = find(from);
  return s == nullptr ? status() : s->why;
}

std::optional<transfer_spec> grant_book::begin(const grant_source_ptr& from, int64_t now_ns,
                                               int64_t now_ms) {
  // Those that nobody else holds any more make room.
  std::erase_if(slots_,
                [](const auto& s) { return !s.second.asking && s.second.from.use_count() == 1; });
  auto& s = slots_[from.get()];
  s.from = from;
  return proceed(s, from->begin(now_ms), now_ns);
}

std::optional<transfer_spec> grant_book::take(const grant_source& from, const fetch_result& answer,
                                              int64_t now_ns, int64_t now_ms) {
  auto& s = slots_.at(&from);
  const auto then = std::exchange(s.then, nullptr);
  return proceed(s, then(answer, now_ms), now_ns);
}

std::optional<transfer_spec> grant_book::proceed(slot& s, result<grant_step> step, int64_t now_ns) {
  s.asking = false;
  if (!step) {
    s.why = step.error().with_context("cannot fetch token").with_context(s.from->name());
    if (now_ns >= s.end_ns) {
      s.renew_ns = 0;
      return std::nullopt;
    }
    s.renew_ns = now_ns + renew_again_ns;
    out_log.warn("{}; the one before is used on", s.why.message());
    return std::nullopt;
  }
  if (auto* next = std::get_if<question>(&*step)) {
    s.asking = true;
    s.then = std::move(next->then);
    return std::move(next->ask);
  }
  s.given = std::move(std::get<grant>(*step));
  s.why = ok_status();
  const int64_t use_ms = std::max(s.given.lifetime_ms - margin_ms, shortest_use_ms);
  s.end_ns = now_ns + use_ms * ns_per_ms;
  s.renew_ns = s.end_ns - std::min(use_ms / 5, longest_ahead_ms) * ns_per_ms;
  return std::nullopt;
}

void grant_book::refuse(const grant_source& from) {
  const auto at = slots_.find(&from);
  if (at == slots_.end())
    return;
  at->second.end_ns = 0;
  at->second.renew_ns = 0;
}

}  // namespace troupe::http
