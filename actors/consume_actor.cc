#include "actors/consume_actor.h"

#include <utility>

namespace troupe::actors {

namespace {

using self_ptr = consume_actor::stateful_pointer<consume_state>;
using params_ptr = std::shared_ptr<const consume_params>;

/// Without consumptions there is nothing to do.
constexpr std::chrono::milliseconds idle_tick{1000};
/// While there is more to read.
constexpr std::chrono::milliseconds busy_tick{1};

void step(self_ptr self, const params_ptr& p);

void mark(self_ptr self, const params_ptr& p) {
  for (const auto& [name, until] : self->state.consumers->take_progress())
    p->marks.note(name, until, p->clk->now_ms());
}

void store(self_ptr self, const params_ptr& p, topics::delivery d) {
  auto batches = std::make_shared<const std::vector<batch_ptr>>(std::move(d.batches));
  self->state.store->put(self, std::move(batches), true, [self, p, token = d.token](outcomes all) {
    self->state.consumers->on_stored(token, all, p->clk->now_ms(), p->clk->monotonic_ns());
    step(self, p);
  });
}

void step(self_ptr self, const params_ptr& p) {
  auto& s = self->state;
  const int64_t now_ns = p->clk->monotonic_ns();
  auto ready = s.consumers->step(p->clk->now_ms(), now_ns);
  mark(self, p);
  if (p->board && now_ns >= s.next_told_ns) {
    s.next_told_ns = now_ns + topics::topic_board::every_ns;
    p->board->set(s.consumers->states());
  }
  for (auto& d : ready)
    store(self, p, std::move(d));
  if (!s.stop.is_over(s.consumers->idle(), now_ns))
    return;
  s.store->stopping = true;
  s.stop.answer();
}

std::chrono::milliseconds next_tick(const consume_state& s, const consume_params& p) {
  if (s.consumers->empty())
    return idle_tick;
  return s.consumers->is_hungry() ? busy_tick : p.every;
}

}  // namespace

consume_actor::behavior_type consuming(self_ptr self, consume_params params) {
  auto p = std::make_shared<const consume_params>(std::move(params));
  self->state.consumers = std::make_unique<topics::consumers>(p->env);
  self->state.store = std::make_unique<shard_store>(p->store);
  self->delayed_send(self, p->every, tick_atom_v);
  return {
      [](ping_atom) { return pong_atom_v; },
      [self, p](stop_atom) {
        self->state.consumers->stop();
        auto promise = begin_draining(self, self->state.stop, *p->clk, p->stop_deadline);
        step(self, p);
        return promise;
      },
      [self, p](tick_atom) {
        step(self, p);
        tick_again(self, self->state.stop, next_tick(self->state, *p));
      },
      [self, p](config_atom, const config_ptr& c) {
        p->marks.set_sources(c->own.consume, p->clk->now_ms());
        self->state.consumers->apply(c);
        step(self, p);
      },
      [self](sweep_atom) { sweep(self, self->state.store->asked); },
      [self](links_atom, const links_ptr& peers) { self->state.store->peers = peers; },
  };
}

}  // namespace troupe::actors
