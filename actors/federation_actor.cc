#include "actors/federation_actor.h"

#include "actors/rt/post_results.h"

#include <utility>

namespace troupe::actors {

namespace {

using self_ptr = federation_actor::stateful_pointer<federation_state>;
using params_ptr = std::shared_ptr<const federation_params>;

/// Without subscriptions there is nothing to do.
constexpr std::chrono::milliseconds idle_tick{1000};

void step(self_ptr self, const params_ptr& p) {
  auto& s = self->state;
  const int64_t now_ns = p->clk->monotonic_ns();
  auto fetches = s.subscriber->step(now_ns);
  if (!fetches.empty())
    p->fetcher->fetch(std::move(fetches), post_results(federation_actor(self)));
  if (!s.stop.is_over(s.subscriber->idle(), now_ns))
    return;
  s.store->stopping = true;
  s.stop.answer();
}

void mark(self_ptr self, const params_ptr& p) {
  const int64_t now_ms = p->clk->now_ms();
  for (const auto& [name, lag_ms] : self->state.subscriber->take_progress())
    p->marks.note(name, now_ms - lag_ms, now_ms);
}

void store(self_ptr self, const params_ptr& p, federate::delivery d) {
  auto batches = std::make_shared<const std::vector<batch_ptr>>(std::move(d.batches));
  self->state.store->put(self, std::move(batches), true, [self, p, token = d.token](outcomes all) {
    self->state.subscriber->on_stored(token, all, p->clk->monotonic_ns());
    mark(self, p);
    step(self, p);
  });
}

}  // namespace

federation_actor::behavior_type federating(self_ptr self, federation_params params) {
  auto p = std::make_shared<const federation_params>(std::move(params));
  self->state.subscriber = std::make_unique<federate::subscriber>(p->env);
  self->state.store = std::make_unique<shard_store>(p->store);
  self->delayed_send(self, p->every, tick_atom_v);
  return {
      [](ping_atom) { return pong_atom_v; },
      [self, p](stop_atom) {
        self->state.subscriber->stop();
        auto promise = begin_draining(self, self->state.stop, *p->clk, p->stop_deadline);
        step(self, p);
        return promise;
      },
      [self, p](tick_atom) {
        step(self, p);
        tick_again(self, self->state.stop, self->state.subscriber->empty() ? idle_tick : p->every);
      },
      [self, p](config_atom, const config_ptr& c) {
        p->marks.set_sources(c->own.federation, p->clk->now_ms());
        self->state.subscriber->apply(c);
        step(self, p);
      },
      [self, p](fetched_atom, const fetch_results_ptr& got) {
        const int64_t now_ns = p->clk->monotonic_ns();
        for (auto& r : *got)
          if (auto d = self->state.subscriber->on_result(std::move(r), now_ns))
            store(self, p, std::move(*d));
        mark(self, p);
        step(self, p);
      },
      [self](sweep_atom) { sweep(self, self->state.store->asked); },
      [self](links_atom, const links_ptr& peers) { self->state.store->peers = peers; },
  };
}

}  // namespace troupe::actors
