#include "pipeline/rules/group_runner.h"

#include "pipeline/rules/history.h"
#include "storage/base/log.h"

#include <algorithm>
#include <utility>

namespace troupe::rules {
namespace {

const logger log("rules");

}  // namespace

group_runner::group_runner(group_definition_ptr definition, const runner_environment& env)
    : definition_(std::move(definition)),
      env_(env),
      live_(fresh_group()),
      selectors_(selectors_of(*definition_)) {}

std::unique_ptr<rule_group> group_runner::fresh_group() const {
  return std::make_unique<rule_group>(definition_, *env_.alerts, *env_.clk, env_.tenant);
}

result<std::unique_ptr<rule_group>> group_runner::group_at(timestamp_ms instant) const {
  TROUPE_ASSIGN(const auto saved, alerts_at(*env_.data, env_.tenant, *definition_, instant));
  auto out = fresh_group();
  out->resume(instant, saved, *env_.queries);
  return out;
}

void group_runner::take_up(timestamp_ms now, std::vector<timestamp_ms> evaluated) {
  group_clock_settings s;
  s.interval_ms = definition_->interval_ms;
  s.offset_ms = group_offset(definition_->file, definition_->name, s.interval_ms);
  s.query_offset_ms = definition_->query_offset_ms;
  s.live_wait_ms = env_.live_wait_ms;
  s.catch_up_wait_ms = env_.catch_up_wait_ms;
  s.reach_ms = env_.reach_ms;
  schedule_.emplace(s, now, std::move(evaluated));
  last_done_ = schedule_->last_evaluated();
}

status group_runner::open(timestamp_ms now) {
  TROUPE_ASSIGN(auto evaluated,
                evaluated_instants(*env_.data, *definition_, now - env_.reach_ms, now));
  take_up(now, std::move(evaluated));
  const auto opened = [&]() -> status {
    if (const auto at = schedule_->resume_at()) {
      TROUPE_ASSIGN(live_, group_at(*at));
      return {};
    }
    TROUPE_ASSIGN(auto saved, newest_alerts(*env_.data, env_.tenant, *definition_,
                                            now - env_.alerts->outage_tolerance_ms, now));
    live_->expect(std::move(saved));
    return {};
  }();
  if (!opened.ok())
    schedule_.reset();
  return opened;
}

void group_runner::replace(group_runner&& old, timestamp_ms now) {
  if (!old.schedule_ || old.schedule_->backlog() > 0) {
    // Its state is not that of the present: open() finds it in the storage.
    if (old.schedule_)
      live_->adopt(std::move(*old.live_));
    return;
  }
  live_->adopt(std::move(*old.live_));
  std::vector<timestamp_ms> evaluated;
  if (old.last_done_)
    evaluated.push_back(*old.last_done_);
  take_up(now, std::move(evaluated));
}

bool group_runner::begin(timestamp_ms now, timestamp_ms complete_until) {
  if (!schedule_ || step_)
    return false;
  const auto next = schedule_->due(now, complete_until);
  if (!next)
    return false;
  step_ = next;
  missing_ = missing_of(selectors_, next->instant - definition_->query_offset_ms, complete_until,
                        now, env_.inputs);
  if (step_->forks)
    fork();
  stage_ = 0;
  closing_ = failed_ = false;
  offered_.clear();
  began_ns_ = env_.clk->monotonic_ns();
  last_started_ = env_.clk->now_ms();
  return true;
}

void group_runner::fork() {
  past_ = std::move(live_);
  fork_instant_ = step_->instant;
  const auto from = last_done_;
  live_ = fresh_group();
  if (!from || fork_instant_ - *from > env_.alerts->outage_tolerance_ms)
    return;
  auto resumed = group_at(*from);
  if (!resumed.ok()) {
    log.warn("group {} of {}: alerts begin anew: {}", definition_->name, definition_->file,
             resumed.error().message());
    return;
  }
  live_ = std::move(*resumed);
  live_->bridge_outage(*from, fork_instant_);
}

std::vector<batch_ptr> group_runner::next_stage() {
  std::vector<batch_ptr> out;
  offered_.clear();
  while (!closing_ && stage_ < definition_->stages.size()) {
    auto found = running().evaluate(stage_, run(), *env_.queries);
    auto due = running().take_due_alerts(stage_, run());
    alerts_.insert(alerts_.end(), std::make_move_iterator(due.begin()),
                   std::make_move_iterator(due.end()));
    ++stage_;
    for (auto& o : found) {
      offered_.push_back(o.rule);
      out.push_back(std::move(o.batch));
    }
    if (!out.empty())
      return out;
  }
  if (!closing_ && !failed_) {
    closing_ = true;
    return closing_batches();
  }
  finish();
  return {};
}

std::vector<batch_ptr> group_runner::closing_batches() {
  std::vector<batch_ptr> out{history_batch(running(), run())};
  // The last missed instant: what was there until then and not at the first of the present ends.
  if (step_->past && past_ && schedule_->backlog() == 1)
    if (auto ends = past_->end_series(fork_instant_ - definition_->query_offset_ms, at_fork_))
      out.push_back(std::move(ends));
  return out;
}

void group_runner::stored(const std::vector<outcome>& outcomes) {
  for (size_t i = 0; i < outcomes.size(); ++i) {
    failed_ = failed_ || !outcomes[i].error.ok();
    if (i < offered_.size())
      running().stored(offered_[i], outcomes[i].error, outcomes[i].refused);
  }
}

void group_runner::finish() {
  if (step_->forks)
    at_fork_ = live_->written_last();
  ++instants_;
  caught_up_ += step_->catch_up ? 1 : 0;
  was_incomplete_ = !missing_.sources.empty();
  if (was_incomplete_)
    incomplete_ = {incomplete_.count + 1, step_->instant, missing_.sources};
  last_done_ = std::max(last_done_.value_or(step_->instant), step_->instant);
  last_instant_ = std::max(last_instant_, step_->instant);
  last_duration_ns_ = env_.clk->monotonic_ns() - began_ns_;
  schedule_->done(*step_);
  if (past_ && !schedule_->forked()) {
    past_.reset();
    at_fork_.clear();
  }
  step_.reset();
}

std::vector<outgoing_alert> group_runner::take_alerts() {
  return std::exchange(alerts_, {});
}

batch_ptr group_runner::end_series(timestamp_ms now) {
  return live_->end_series(now - definition_->query_offset_ms);
}

}  // namespace troupe::rules
