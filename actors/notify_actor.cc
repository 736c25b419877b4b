#include "actors/notify_actor.h"

#include "actors/rt/post_results.h"

namespace troupe::actors {

namespace {

using self_ptr = notify_actor::stateful_pointer<notify_actor_state>;

void step(self_ptr self, const notify_params& p) {
  auto& s = self->state;
  const int64_t now_ns = p.clk->monotonic_ns();
  auto fetches = s.notifier->tick(now_ns);
  if (!fetches.empty())
    p.fetcher->fetch(std::move(fetches), post_results(notify_actor(self)));
  if (s.published != s.notifier->state()) {
    s.published = s.notifier->state();
    p.publish(s.published);
  }
  if (!s.stop.is_over(s.notifier->idle(), now_ns))
    return;
  s.notifier->abandon();
  s.stop.answer();
}

}  // namespace

notify_actor::behavior_type notification(self_ptr self, notify_params p) {
  auto& s = self->state;
  if (p.make_watcher)
    s.watcher = p.make_watcher();
  p.env.watcher = s.watcher.get();
  s.notifier = std::make_unique<notify::notifier>(p.options, p.env);
  self->delayed_send(self, p.every, tick_atom_v);
  return {
      [](ping_atom) { return pong_atom_v; },
      [self, p](stop_atom) {
        self->state.notifier->stop();
        auto promise = begin_draining(self, self->state.stop, *p.clk, p.drain_deadline);
        step(self, p);
        return promise;
      },
      [self, p](tick_atom) {
        step(self, p);
        tick_again(self, self->state.stop, p.every);
      },
      [self, p](config_atom, const config_ptr& c) {
        self->state.notifier->apply(c, p.clk->monotonic_ns());
        step(self, p);
      },
      [self, p](fetched_atom, const fetch_results_ptr& got) {
        for (const auto& r : *got)
          self->state.notifier->on_result(r, p.clk->monotonic_ns());
        step(self, p);
      },
      [self, p](alerts_atom, const alert_list_ptr& alerts) {
        self->state.notifier->send(*alerts);
        step(self, p);
      },
  };
}

}  // namespace troupe::actors
