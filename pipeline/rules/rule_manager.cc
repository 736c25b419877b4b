#include "pipeline/rules/rule_manager.h"

#include "storage/base/log.h"

#include <utility>

namespace troupe::rules {
namespace {

const logger log("rules");

constexpr int64_t line_every_ms = 60'000;

}  // namespace

rule_manager::rule_manager(manager_environment env) : env_(std::move(env)) {
  env_.runner.alerts = &env_.alerts;
}

bool rule_manager::same(const group_definition& a, const group_definition& b) const {
  return a.source == b.source && a.interval_ms == b.interval_ms &&
         a.query_offset_ms == b.query_offset_ms;
}

std::vector<batch_ptr> rule_manager::configure(const config::config& c, timestamp_ms now) {
  env_.alerts.external_labels = c.global.external_labels;
  group_defaults defaults;
  defaults.interval_ms = c.global.evaluation_interval_ms;
  defaults.query_offset_ms = c.global.rule_query_offset_ms;
  defaults.parse = env_.parse;
  auto old = std::exchange(groups_, {});
  for (const auto& config : c.rule_groups) {
    const auto key = group_key(config.file, config.name);
    if (!env_.owns(key) || groups_.contains(key))
      continue;
    auto definition = define_group(config, defaults);
    if (!definition.ok()) {
      log.error("group {} is not evaluated: {}", key, definition.error().message());
      continue;
    }
    const auto before = old.find(key);
    if (before != old.end() && same(before->second.runner->definition(), **definition)) {
      groups_[key] = std::move(before->second);
      old.erase(before);
      continue;
    }
    entry e{std::make_shared<group_runner>(*definition, env_.runner),
            std::make_shared<group_metrics>(*env_.metrics, key)};
    if (before != old.end()) {
      e.runner->replace(std::move(*before->second.runner), now);
      e.metrics = before->second.metrics;
      old.erase(before);
    }
    e.metrics->defined(**definition);
    publish(*e.runner);
    groups_[key] = std::move(e);
  }
  std::vector<batch_ptr> ended;
  for (auto& [key, e] : old) {
    if (auto batch = e.runner->end_series(now))
      ended.push_back(std::move(batch));
    e.metrics->gone();
    env_.board->remove(e.runner->definition());
  }
  return ended;
}

std::vector<rule_manager::runner_ptr> rule_manager::begin_due(timestamp_ms now,
                                                              timestamp_ms complete_until) {
  std::vector<runner_ptr> out;
  for (auto& [key, e] : groups_) {
    if (e.runner->schedule() == nullptr) {
      const auto opened = e.runner->open(now);
      if (opened.code() == errc::unavailable)
        return out;
      if (!opened.ok()) {
        log.warn("group {} cannot be taken up: {}", key, opened.message());
        continue;
      }
    }
    if (e.runner->begin(now, complete_until))
      out.push_back(e.runner);
  }
  return out;
}

bool rule_manager::current(const runner_ptr& group) const {
  const auto& d = group->definition();
  const auto it = groups_.find(group_key(d.file, d.name));
  return it != groups_.end() && it->second.runner == group;
}

void rule_manager::evaluated(const group_runner& group) {
  const auto& d = group.definition();
  if (const auto it = groups_.find(group_key(d.file, d.name)); it != groups_.end())
    it->second.metrics->evaluated(group);
  if (group.was_incomplete())
    tell_incomplete(group);
  publish(group);
}

// A region that is away concerns each group at each instant: a line stands for all of a minute.
void rule_manager::tell_incomplete(const group_runner& group) {
  ++untold_;
  const timestamp_ms now = env_.runner.clk->now_ms();
  if (now < next_line_ms_)
    return;
  next_line_ms_ = now + line_every_ms;
  const auto& d = group.definition();
  log.warn(
      "{} evaluations of rule groups without all of their data, the last one that of {}: {}",
      std::exchange(untold_, 0), group_key(d.file, d.name),
      describe(group.incomplete().sources, group.incomplete().last_instant - d.query_offset_ms));
}

void rule_manager::publish(const group_runner& group) {
  auto view = std::make_shared<group_view>();
  const auto& d = group.definition();
  view->definition = group.shared_definition();
  view->duration_ns = group.last_duration_ns();
  view->last_evaluation = group.last_started();
  view->incomplete = group.incomplete();
  for (size_t i = 0; i < d.rules.size(); ++i) {
    rule_view r{group.group().status_of(i), alert_state::inactive, {}};
    if (d.rules[i].alerting) {
      r.state = group.group().alerts_of(i).state();
      r.alerts = group.group().alerts_of(i).active();
    }
    view->rules.push_back(std::move(r));
  }
  env_.board->publish(std::move(view));
}

}  // namespace troupe::rules
