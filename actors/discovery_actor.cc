#include "actors/discovery_actor.h"

#include "actors/rt/post_results.h"

namespace troupe::actors {

namespace {

using self_ptr = discovery_actor::stateful_pointer<discovery_actor_state>;

void publish(self_ptr self) {
  auto& s = self->state;
  if (auto changed = s.manager->take_changes())
    s.latest = std::move(changed);
  else
    return;
  if (s.peers) {
    for (const auto& scraper : s.peers->scrape)
      self->send(scraper, targets_atom_v, s.latest);
  }
}

}  // namespace

discovery_actor::behavior_type discovery(self_ptr self, discovery_params p) {
  auto& s = self->state;
  if (p.make_watcher)
    s.watcher = p.make_watcher();
  p.env.watcher = s.watcher.get();
  s.manager = std::make_unique<discover::discovery_manager>(p.env);
  self->delayed_send(self, p.every, tick_atom_v);
  auto step = [self, p] {
    auto& state = self->state;
    auto fetches = state.manager->tick(p.clk->monotonic_ns());
    if (!fetches.empty())
      p.fetcher->fetch(std::move(fetches), post_results(discovery_actor(self)));
    publish(self);
  };
  return {
      [](ping_atom) { return pong_atom_v; },
      [self](stop_atom) {
        self->state.stopping = true;
        return stopped_atom_v;
      },
      [self, p, step](tick_atom) {
        if (self->state.stopping)
          return;
        step();
        self->delayed_send(self, p.every, tick_atom_v);
      },
      [self, p, step](config_atom, const config_ptr& c) {
        self->state.manager->apply(c, p.clk->monotonic_ns());
        step();
      },
      [self, step](fetched_atom, const fetch_results_ptr& got) {
        if (self->state.stopping)
          return;
        for (const auto& r : *got)
          self->state.manager->on_result(r);
        step();
      },
      [self](pools_atom) { return self->state.manager->state(); },
      [self](links_atom, const links_ptr& peers) {
        auto& state = self->state;
        auto before = std::exchange(state.peers, peers);
        if (!state.latest)
          return;
        // A scrape actor that is new or was restarted knows no targets yet.
        for (size_t i = 0; i < peers->scrape.size(); ++i) {
          if (!before || i >= before->scrape.size() || before->scrape[i] != peers->scrape[i])
            self->send(peers->scrape[i], targets_atom_v, state.latest);
        }
      },
  };
}

}  // namespace troupe::actors
