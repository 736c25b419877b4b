#include "actors/aggregate_actor.h"

#include "config/config.h"

#include <algorithm>
#include <utility>

namespace troupe::actors {

namespace {

using self_ptr = aggregate_actor::stateful_pointer<aggregate_actor_state>;
using params_ptr = std::shared_ptr<const aggregate_params>;

/// Without rules there is nothing to do.
constexpr std::chrono::milliseconds idle_tick{1000};
/// What is stored of an instant by the node itself (recorded series) comes this much later.
constexpr int64_t store_lag_ms = 1'000;

/// A scrape's samples have its scheduled time, and come when it is answered.
int64_t scrape_lag_ms(const config::config& c) {
  int64_t longest = 0;
  for (const auto& job : c.scrape_configs)
    longest = std::max(longest, job.scrape_timeout_ms);
  return longest;
}

void offer(self_ptr self, const batch_ptr& batch) {
  auto list = std::make_shared<const std::vector<batch_ptr>>(std::vector{batch});
  self->state.store->put(self, std::move(list), false, [self, batch](const outcomes& all) {
    const auto& o = all.front();
    self->state.work->stored(batch, worth_repeating(o.error), o.report.refused());
  });
}

/// True: it should be called again at once.
bool step(self_ptr self, const aggregate_params& p) {
  auto& s = self->state;
  if (!s.store->peers || !s.config || !p.readable())
    return false;
  const timestamp_ms now = p.clk->now_ms();
  if (s.readable_since < 0)
    s.readable_since = now;
  timestamp_ms complete = min_time;
  if (now - s.readable_since >= p.senders_return_ms)
    complete =
        std::min(now - store_lag_ms - scrape_lag_ms(*s.config), p.marks->complete_until(now));
  const bool more = s.work->step(now, complete);
  for (const auto& batch : s.work->take())
    offer(self, batch);
  return more;
}

}  // namespace

aggregate_actor::behavior_type aggregating(self_ptr self, aggregate_params params) {
  auto p = std::make_shared<const aggregate_params>(std::move(params));
  self->state.work = std::make_unique<aggregate::stream_aggregation>(p->options, p->env);
  self->state.store = std::make_unique<shard_store>(p->store);
  self->delayed_send(self, p->every, tick_atom_v);
  return {
      [](ping_atom) { return pong_atom_v; },
      [self, p](stop_atom) {
        self->state.store->stopping = true;
        self->state.work->flush(p->clk->now_ms());
        return stopped_atom_v;
      },
      [self, p](tick_atom) {
        auto& s = self->state;
        if (s.store->stopping)
          return;
        if (step(self, *p))
          self->send(self, tick_atom_v);
        else
          self->delayed_send(self, s.work->empty() ? idle_tick : p->every, tick_atom_v);
      },
      [self](config_atom, const config_ptr& c) {
        self->state.config = c;
        self->state.work->apply(c->own.stream_aggregation);
      },
      [self](sweep_atom) { sweep(self, self->state.store->asked); },
      [self](links_atom, const links_ptr& peers) { self->state.store->peers = peers; },
  };
}

}  // namespace troupe::actors
