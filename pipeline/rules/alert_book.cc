#include "pipeline/rules/alert_book.h"

#include "pipeline/rules/names.h"
#include "storage/base/log.h"

#include <algorithm>
#include <set>

namespace troupe::rules {
namespace {

const logger log("rules");

/// How long a resolved alert is sent again, in case a receiver missed it (Prometheus').
constexpr int64_t resolved_retention_ms = 15 * 60'000;

// Unix seconds, rounded down.
int64_t to_seconds(timestamp_ms ts) {
  return ts >= 0 ? ts / 1000 : -((999 - ts) / 1000);
}

// The rule's labels under those of the alert, as ALERTS has them.
labels_builder series_base(const rule_definition& rule, const alert& a) {
  labels_builder b;
  for (const auto& [name, value] : rule.labels)
    b.set(name, value);
  for (const auto& l : a.lset)
    b.set(l.name, l.value);
  b.set(alert_name_label, rule.name);
  return b;
}

}  // namespace

std::string_view to_string(alert_state s) {
  constexpr std::string_view names[] = {"inactive", "pending", "firing"};
  return names[static_cast<size_t>(s)];
}

std::string alert_book::expand(const std::string& text, const query::vector_element& element,
                               const evaluation& e, query_door& queries) const {
  if (settings_.templates == nullptr)
    return text;
  const template_scope scope{.alert = rule_.name,
                             .element = element,
                             .instant = e.instant,
                             .external_labels = settings_.external_labels,
                             .external_url = settings_.external_url};
  const auto out = settings_.templates->expand(text, scope, queries);
  if (out.ok())
    return *out;
  log.warn("alert {}: expanding a template failed: {}", rule_.name, out.error().message());
  return "<error expanding template: " + std::string(out.error().message()) + ">";
}

result<alert_book::alert_map> alert_book::alerts_of(const query::vector_value& found,
                                                    const evaluation& e,
                                                    query_door& queries) const {
  alert_map out;
  labels_builder b;
  for (const auto& element : found) {
    b.reset(element.metric);
    b.del(metric_name_label);
    for (const auto& [name, value] : rule_.labels)
      b.set(name, expand(value, element, e, queries));
    b.set(alert_name_label, rule_.name);
    alert a;
    a.lset = b.build();
    for (const auto& [name, value] : rule_.annotations)
      a.annotations[name] = expand(value, element, e, queries);
    a.active_at = e.instant;
    a.value = element.value;
    const labels key = a.lset;
    if (!out.emplace(key, std::move(a)).second)
      return {errc::invalid_argument,
              "vector contains metrics with the same labelset after applying alert labels"};
  }
  return out;
}

bool alert_book::advance(alert& a, bool found, const evaluation& e, bool& counted) const {
  bool active = found;
  if (found) {
    a.keep_firing_since.reset();
  } else {
    if (a.state == alert_state::firing && rule_.keep_firing_for_ms > 0) {
      if (!a.keep_firing_since)
        a.keep_firing_since = e.instant;
      active = e.instant - *a.keep_firing_since < rule_.keep_firing_for_ms;
    }
    if (a.state == alert_state::pending ||
        (a.resolved_at && e.instant - *a.resolved_at > resolved_retention_ms))
      return false;
    if (a.state != alert_state::inactive && !active) {
      // Nobody heard that it fired, so nobody is to hear that it is over.
      if (a.from_catch_up && e.catch_up)
        return false;
      a.state = alert_state::inactive;
      a.resolved_at = e.instant;
    }
  }
  if (!active)
    return true;
  counted = true;
  if (a.state == alert_state::pending && e.instant - a.active_at >= rule_.for_ms) {
    a.state = alert_state::firing;
    a.fired_at = e.instant;
    a.from_catch_up = e.catch_up;
  }
  return true;
}

status alert_book::update(const query::vector_value& found, const evaluation& e,
                          query_door& queries) {
  TROUPE_ASSIGN(alert_map now, alerts_of(found, e, queries));
  std::set<labels> present;
  for (auto& [lset, a] : now) {
    present.insert(lset);
    const auto known = alerts_.find(lset);
    if (known != alerts_.end() && known->second.state != alert_state::inactive) {
      known->second.value = a.value;
      known->second.annotations = std::move(a.annotations);
      continue;
    }
    if (const auto saved = expected_.find(lset); saved != expected_.end())
      a.active_at = begin_after_outage(saved->second.active_at, saved->second.seen_at, e.instant)
                        .value_or(a.active_at);
    alerts_.insert_or_assign(lset, std::move(a));
  }
  expected_.clear();
  uint64_t active = 0;
  for (auto it = alerts_.begin(); it != alerts_.end();) {
    bool counted = false;
    const bool stays = advance(it->second, present.contains(it->first), e, counted);
    active += counted ? 1 : 0;
    it = stays ? std::next(it) : alerts_.erase(it);
  }
  if (e.limit > 0 && active > e.limit) {
    alerts_.clear();
    return {errc::resource_exhausted, "exceeded limit of " + std::to_string(e.limit) + " with " +
                                          std::to_string(active) + " alerts"};
  }
  return {};
}

void alert_book::append_samples(timestamp_ms ts, query::vector_value& out) const {
  for (const auto& [lset, a] : alerts_) {
    if (a.state == alert_state::inactive)
      continue;
    labels_builder b = series_base(rule_, a);
    b.set(metric_name_label, for_state_name);
    labels for_state = b.build();
    b.set(metric_name_label, alerts_name).set(alert_state_label, to_string(a.state));
    out.push_back({b.build(), ts, 1, nullptr});
    out.push_back(
        {std::move(for_state), ts, static_cast<double>(to_seconds(a.active_at)), nullptr});
  }
}

void alert_book::take_due(timestamp_ms instant, int64_t interval_ms,
                          std::vector<outgoing_alert>& out) {
  for (auto& [lset, a] : alerts_) {
    if (a.state == alert_state::pending)
      continue;
    const bool resolved_since =
        a.resolved_at && (!a.last_sent_at || *a.resolved_at > *a.last_sent_at);
    if (!resolved_since && a.last_sent_at && *a.last_sent_at + settings_.resend_delay_ms >= instant)
      continue;
    a.last_sent_at = instant;
    a.from_catch_up = false;
    const int64_t valid_for = 4 * std::max(settings_.resend_delay_ms, interval_ms);
    out.push_back({a.lset, a.annotations, a.fired_at.value_or(a.active_at),
                   a.resolved_at.value_or(instant + valid_for), a.resolved_at.has_value(),
                   rule_.expr});
  }
}

void alert_book::resume(const saved_alerts& saved, timestamp_ms at, int64_t interval_ms) {
  // ALERTS_FOR_STATE has whole seconds; alerts begin at instants of the group.
  const auto instant_of = [&](timestamp_ms seconds) {
    const int64_t steps = (at - seconds) / interval_ms;
    const timestamp_ms exact = at - steps * interval_ms;
    return to_seconds(exact) == to_seconds(seconds) ? exact : seconds;
  };
  for (auto it = alerts_.begin(); it != alerts_.end();)
    it = saved.contains(it->first) ? std::next(it) : alerts_.erase(it);
  for (const auto& [lset, s] : saved) {
    const bool found = alerts_.contains(lset);
    if (!found && !s.keep_firing_since)
      continue;
    alert& a = alerts_[lset];
    a.lset = lset;
    a.active_at = instant_of(s.active_at);
    a.state = s.firing ? alert_state::firing : alert_state::pending;
    a.fired_at.reset();
    if (s.firing) {
      const int64_t steps = (rule_.for_ms + interval_ms - 1) / interval_ms;
      a.fired_at = std::min(at, a.active_at + steps * interval_ms);
    }
    a.keep_firing_since = found ? std::nullopt : s.keep_firing_since;
    a.from_catch_up = false;
  }
}

std::optional<timestamp_ms> alert_book::begin_after_outage(timestamp_ms active_at,
                                                           timestamp_ms from,
                                                           timestamp_ms now) const {
  if (rule_.for_ms < settings_.grace_period_ms)
    return {};
  const int64_t remaining = rule_.for_ms - (from - active_at);
  if (remaining <= 0)
    return active_at;
  if (remaining < settings_.grace_period_ms)
    return now + settings_.grace_period_ms - rule_.for_ms;
  return active_at + (now - from);
}

void alert_book::bridge_outage(timestamp_ms from, timestamp_ms now) {
  for (auto it = alerts_.begin(); it != alerts_.end();) {
    alert& a = it->second;
    const auto begin = a.state == alert_state::pending ? begin_after_outage(a.active_at, from, now)
                                                       : std::optional(a.active_at);
    if (begin)
      a.active_at = *begin;
    it = begin ? std::next(it) : alerts_.erase(it);
  }
}

alert_state alert_book::state() const {
  auto out = alert_state::inactive;
  for (const auto& [lset, a] : alerts_)
    out = std::max(out, a.state);
  return out;
}

std::vector<alert> alert_book::active() const {
  std::vector<alert> out;
  for (const auto& [lset, a] : alerts_)
    if (!a.resolved_at)
      out.push_back(a);
  return out;
}

}  // namespace troupe::rules
