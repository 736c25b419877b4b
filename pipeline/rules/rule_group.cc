#include "pipeline/rules/rule_group.h"

#include "pipeline/rules/names.h"
#include "storage/base/hash.h"
#include "storage/base/log.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

namespace troupe::rules {
namespace {

const logger log("rules");

std::string identity_of(const rule_definition& r) {
  std::string out = r.name;
  for (const auto& [name, value] : r.labels)
    out.append("\xff").append(name).append("\xff").append(value);
  return out;
}

}  // namespace

std::string_view to_string(rule_health h) {
  constexpr std::string_view names[] = {"unknown", "ok", "err"};
  return names[static_cast<size_t>(h)];
}

rule_group::rule_group(group_definition_ptr definition, const alert_settings& settings,
                       const clock& clk, std::string tenant)
    : definition_(std::move(definition)),
      settings_(settings),
      clk_(clk),
      tenant_(std::move(tenant)) {
  rules_.reserve(definition_->rules.size());
  for (const auto& r : definition_->rules)
    rules_.emplace_back(r, settings_);
}

status rule_group::name_results(rule_state& state, const rule_definition& rule,
                                query::vector_value& v) const {
  const bool same =
      v.size() == state.found.size() &&
      std::equal(v.begin(), v.end(), state.found.begin(),
                 [](const auto& element, const labels& known) { return element.metric == known; });
  if (same) {
    for (size_t i = 0; i < v.size(); ++i)
      v[i].metric = state.written[i];
    return {};
  }
  state.found.clear();
  state.written.clear();
  state.table.reset();
  for (auto& element : v) {
    auto recorded = recorded_labels(rule, element.metric).packed();
    state.found.push_back(std::exchange(element.metric, std::move(recorded)));
    state.written.push_back(element.metric);
  }
  auto sorted = state.written;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end())
    return {};
  state.found.clear();
  state.written.clear();
  return {errc::invalid_argument,
          "vector contains metrics with the same labelset after applying rule labels"};
}

result<query::vector_value> rule_group::result_of(size_t rule, const group_run& run,
                                                  query_door& queries, shared_results& shared) {
  const rule_definition& r = definition_->rules[rule];
  rule_state& state = rules_[rule];
  const timestamp_ms at = run.instant - definition_->query_offset_ms;
  query::vector_value found;
  if (const auto known = shared.find(r.expr); known != shared.end()) {
    found = known->second;
  } else {
    TROUPE_ASSIGN(found, queries.evaluate(*r.parsed, r.expr, at, *shared_));
    if (r.shared)
      shared.emplace(r.expr, found);
  }
  if (r.alerting) {
    TROUPE_TRY(state.alerts.update(
        found, {.instant = run.instant, .limit = definition_->limit, .catch_up = run.catch_up},
        queries));
    found.clear();
    state.alerts.append_samples(at, found);
    return found;
  }
  TROUPE_TRY(name_results(state, r, found));
  if (definition_->limit > 0 && found.size() > definition_->limit)
    return {errc::resource_exhausted, "exceeded limit of " + std::to_string(definition_->limit) +
                                          " with " + std::to_string(found.size()) + " series"};
  return found;
}

batch_ptr rule_group::batch_of(rule_state& state, size_t rule, const query::vector_value& v,
                               timestamp_ms stale_ts) const {
  std::vector<labels> series;
  series.reserve(v.size());
  for (const auto& element : v)
    series.push_back(element.metric);
  state.offered = series;
  std::sort(state.offered.begin(), state.offered.end());
  std::vector<labels> vanished;
  std::set_difference(state.previous.begin(), state.previous.end(), state.offered.begin(),
                      state.offered.end(), std::back_inserter(vanished));
  if (v.empty() && vanished.empty())
    return nullptr;
  const bool alerting = definition_->rules[rule].alerting;
  if (alerting || !vanished.empty() || state.table == nullptr) {
    for (const auto& s : vanished)
      series.push_back(s);
    for (auto& s : series)
      s = s.packed();
    const bool same = state.table != nullptr && state.table->series == series;
    if (!same)
      state.table = make_series_table(tenant_, std::move(series));
  }
  auto out = std::make_shared<write_batch>();
  out->tenant = tenant_;
  out->group = xxh3(group_key(definition_->file, definition_->name), rule);
  out->table = state.table;
  // A table with vanished series serves once.
  if (!vanished.empty())
    state.table.reset();
  uint32_t at = 0;
  for (const auto& element : v) {
    if (element.histogram)
      out->histograms.push_back({element.ts, no_start_timestamp, element.histogram, at});
    else
      out->floats.push_back({element.ts, element.value, at});
    ++at;
  }
  for (size_t i = 0; i < vanished.size(); ++i)
    out->floats.push_back({stale_ts, stale_nan(), at++});
  return out;
}

batch_ptr rule_group::stale_batch(std::vector<labels> series, timestamp_ms ts) const {
  if (series.empty())
    return nullptr;
  auto out = std::make_shared<write_batch>();
  out->tenant = tenant_;
  out->group = xxh3(group_key(definition_->file, definition_->name), leftovers);
  for (auto& s : series)
    s = s.packed();
  out->table = make_series_table(tenant_, std::move(series));
  for (uint32_t i = 0; i < out->table->series.size(); ++i)
    out->floats.push_back({ts, stale_nan(), i});
  return out;
}

void rule_group::note(rule_state& state, const status& s) {
  state.status.health = s.ok() ? rule_health::good : rule_health::bad;
  state.status.last_error = s.message();
  failures_ += s.ok() ? 0 : 1;
}

std::vector<rule_group::output> rule_group::evaluate(size_t stage, const group_run& run,
                                                     query_door& queries) {
  std::vector<output> out;
  shared_results shared;
  if (stage == 0)
    samples_ = 0;
  const timestamp_ms at = run.instant - definition_->query_offset_ms;
  shared_->begin(at);
  for (const size_t i : definition_->stages[stage]) {
    rule_state& state = rules_[i];
    const int64_t began = clk_.monotonic_ns();
    state.status.last_evaluation = clk_.now_ms();
    ++evaluations_;
    const auto found = result_of(i, run, queries, shared);
    note(state, found.error());
    if (found.ok()) {
      samples_ += found->size();
      if (auto batch = batch_of(state, i, *found, at))
        out.push_back({i, std::move(batch)});
      else
        state.previous.clear();
    } else {
      log.warn("group {} of {}: rule {}: {}", definition_->name, definition_->file,
               definition_->rules[i].name, found.error().message());
    }
    state.status.duration_ns = clk_.monotonic_ns() - began;
  }
  shared_->end();
  if (stage + 1 == definition_->stages.size() && !leftovers_.empty())
    if (auto batch = stale_batch(std::exchange(leftovers_, {}), at))
      out.push_back({leftovers, std::move(batch)});
  return out;
}

void rule_group::stored(size_t rule, const status& outcome, uint64_t refused) {
  if (rule == leftovers)
    return;
  rule_state& state = rules_[rule];
  if (outcome.ok())
    state.previous = std::move(state.offered);
  state.offered.clear();
  if (!outcome.ok())
    note(state, outcome);
  else if (refused > 0)
    note(state, {errc::out_of_bounds,
                 std::to_string(refused) + " samples of the result were refused by the storage"});
}

std::vector<outgoing_alert> rule_group::take_due_alerts(size_t stage, const group_run& run) {
  std::vector<outgoing_alert> out;
  if (run.catch_up)
    return out;
  for (const size_t i : definition_->stages[stage]) {
    const size_t before = out.size();
    rules_[i].alerts.take_due(run.instant, definition_->interval_ms, out);
    // A rule's own annotation of that name stays.
    for (size_t k = before; !run.notes.empty() && !run.notes[i].empty() && k < out.size(); ++k)
      out[k].annotations.emplace(incomplete_annotation, run.notes[i]);
  }
  return out;
}

void rule_group::resume(timestamp_ms at, const std::vector<saved_alerts>& saved,
                        query_door& queries) {
  const group_run run{at, true};
  shared_results none;
  for (size_t i = 0; i < rules_.size(); ++i) {
    rule_state& state = rules_[i];
    none.clear();
    const auto found = result_of(i, run, queries, none);
    if (!found.ok())
      continue;
    std::vector<labels> series;
    if (definition_->rules[i].alerting) {
      state.alerts.resume(saved[i], at, definition_->interval_ms);
      query::vector_value samples;
      state.alerts.append_samples(at, samples);
      for (const auto& s : samples)
        series.push_back(s.metric);
    } else {
      for (const auto& element : *found)
        series.push_back(element.metric);
    }
    std::sort(series.begin(), series.end());
    state.previous = std::move(series);
  }
}

void rule_group::bridge_outage(timestamp_ms from, timestamp_ms now) {
  for (auto& state : rules_)
    state.alerts.bridge_outage(from, now);
}

void rule_group::expect(std::vector<saved_alerts> saved) {
  for (size_t i = 0; i < rules_.size(); ++i)
    rules_[i].alerts.expect(std::move(saved[i]));
}

void rule_group::adopt(rule_group&& old) {
  std::multimap<std::string, size_t> known;
  for (size_t k = 0; k < old.rules_.size(); ++k)
    known.emplace(identity_of(old.definition_->rules[k]), k);
  for (size_t i = 0; i < rules_.size(); ++i) {
    const auto it = known.lower_bound(identity_of(definition_->rules[i]));
    if (it == known.end() || it->first != identity_of(definition_->rules[i]))
      continue;
    rule_state& from = old.rules_[it->second];
    rules_[i].previous = std::move(from.previous);
    if (definition_->rules[i].alerting && old.definition_->rules[it->second].alerting)
      rules_[i].alerts.adopt(from.alerts.all());
    known.erase(it);
  }
  leftovers_ = std::move(old.leftovers_);
  for (const auto& [identity, k] : known)
    leftovers_.insert(leftovers_.end(), old.rules_[k].previous.begin(),
                      old.rules_[k].previous.end());
}

std::vector<labels> rule_group::written_last() const {
  std::vector<labels> out = leftovers_;
  for (const auto& state : rules_)
    out.insert(out.end(), state.previous.begin(), state.previous.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

batch_ptr rule_group::end_series(timestamp_ms ts, const std::vector<labels>& others) {
  const auto last = written_last();
  std::vector<labels> series;
  std::set_difference(last.begin(), last.end(), others.begin(), others.end(),
                      std::back_inserter(series));
  return stale_batch(std::move(series), ts);
}

}  // namespace troupe::rules
