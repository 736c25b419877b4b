#include "actors/rule_actor.h"

#include "pipeline/notify/rule_alert.h"

#include <algorithm>
#include <utility>

namespace troupe::actors {

namespace {

using self_ptr = rule_actor::stateful_pointer<rule_actor_state>;
using params_ptr = std::shared_ptr<const rule_params>;
using runner_ptr = rules::rule_manager::runner_ptr;

/// Scrapes of an instant are stored this much later.
constexpr int64_t scrape_lag_ms = 1'000;

/// Stores batches until each has an answer that stays.
void store(self_ptr self, std::vector<batch_ptr> batches, std::function<void(outcomes)> done) {
  auto list = std::make_shared<const std::vector<batch_ptr>>(std::move(batches));
  self->state.store->put(self, list, true, [self, list, done](outcomes all) {
    const bool again =
        std::any_of(all.begin(), all.end(), [](const auto& o) { return worth_repeating(o.error); });
    if (!again || self->state.store->stopping)
      return done(std::move(all));
    // What was stored already is recognised.
    self->state.again.push_back([self, list, done] { store(self, *list, done); });
  });
}

timestamp_ms complete_until(self_ptr self, const rule_params& p, timestamp_ms now) {
  if (now - self->state.readable_since < p.senders_return_ms)
    return min_time;
  const auto& jobs = self->state.config->scrape_configs;
  const timestamp_ms scraped = jobs.empty() ? now : now - scrape_lag_ms;
  return std::min(scraped, p.marks->complete_until(now));
}

/// Goes on with an evaluation until its next results are on their way, or it is over.
void advance(self_ptr self, const params_ptr& p, const runner_ptr& group) {
  auto& s = self->state;
  if (s.store->stopping || !s.manager->current(group))
    return;
  auto batches = group->next_stage();
  if (const auto alerts = group->take_alerts(); !alerts.empty() && s.store->peers)
    self->send(s.store->peers->notify, alerts_atom_v,
               std::make_shared<const std::vector<notify::alert_ptr>>(
                   notify::alerts_of_rules(alerts, p->manager.alerts.external_url)));
  if (batches.empty()) {
    s.manager->evaluated(*group);
    // Behind: the next instant follows at once.
    const timestamp_ms now = p->clk->now_ms();
    if (group->begin(now, complete_until(self, *p, now)))
      advance(self, p, group);
    return;
  }
  store(self, std::move(batches), [self, p, group](const outcomes& all) {
    std::vector<rules::group_runner::outcome> answers;
    for (const auto& o : all)
      answers.push_back({o.error, o.report.refused()});
    group->stored(answers);
    advance(self, p, group);
  });
}

/// Without groups there is nothing to wake up for.
void plan_tick(self_ptr self, const rule_params& p) {
  auto& s = self->state;
  if (s.ticking || s.store->stopping || (s.manager->size() == 0 && s.again.empty()))
    return;
  s.ticking = true;
  self->delayed_send(self, p.every, tick_atom_v);
}

void tick(self_ptr self, const params_ptr& p) {
  auto& s = self->state;
  for (const auto& offer : std::exchange(s.again, {}))
    offer();
  if (!s.store->peers || !s.config || !p->readable())
    return;
  const timestamp_ms now = p->clk->now_ms();
  if (s.readable_since < 0)
    s.readable_since = now;
  for (const auto& group : s.manager->begin_due(now, complete_until(self, *p, now)))
    advance(self, p, group);
}

void configure(self_ptr self, const params_ptr& p, const config_ptr& c) {
  auto& s = self->state;
  if (s.config == c)
    return;
  s.config = c;
  auto ended = s.manager->configure(*c, p->clk->now_ms());
  if (!ended.empty())
    store(self, std::move(ended), [](const outcomes&) {});
  plan_tick(self, *p);
}

}  // namespace

rule_actor::behavior_type evaluating(self_ptr self, rule_params params) {
  auto p = std::make_shared<const rule_params>(std::move(params));
  self->state.manager = std::make_unique<rules::rule_manager>(p->manager);
  self->state.store = std::make_unique<shard_store>(p->store);
  return {
      [](ping_atom) { return pong_atom_v; },
      [self](stop_atom) {
        self->state.store->stopping = true;
        return stopped_atom_v;
      },
      [self, p](tick_atom) {
        self->state.ticking = false;
        if (self->state.store->stopping)
          return;
        tick(self, p);
        plan_tick(self, *p);
      },
      [self, p](config_atom, const config_ptr& c) { configure(self, p, c); },
      [self](sweep_atom) { sweep(self, self->state.store->asked); },
      [self](links_atom, const links_ptr& peers) { self->state.store->peers = peers; },
  };
}

}  // namespace troupe::actors
