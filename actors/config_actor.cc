#include "actors/config_actor.h"

#include "storage/base/log.h"

namespace troupe::actors {

namespace {

const logger log("config");

using self_ptr = config_actor::stateful_pointer<config_state>;

void distribute(self_ptr self) {
  const auto& s = self->state;
  if (!s.peers || !s.current)
    return;
  self->send(s.peers->http, config_atom_v, s.current);
  self->send(s.peers->discovery, config_atom_v, s.current);
  self->send(s.peers->maintenance, config_atom_v, s.current);
}

}  // namespace

config_actor::behavior_type configuration(self_ptr self, config_params p) {
  self->state.current = p.initial;
  auto* ok = &p.metrics->get_gauge("troupe_config_last_reload_successful",
                                   "Whether the last configuration reload attempt was successful.");
  auto* when = &p.metrics->get_gauge("troupe_config_last_reload_success_timestamp_seconds",
                                     "Time of the last successful configuration reload.");
  p.metrics->add_alias("troupe_config_last_reload_successful", "prometheus_config_last_reload_successful");
  p.metrics->add_alias("troupe_config_last_reload_success_timestamp_seconds",
                       "prometheus_config_last_reload_success_timestamp_seconds");
  ok->set(1);
  when->set(static_cast<double>(p.clk->now_ms()) / 1000);
  return {
      [](ping_atom) { return pong_atom_v; },
      [](stop_atom) { return stopped_atom_v; },
      [=](reload_atom) -> status_ptr {
        auto loaded = p.load();
        ok->set(loaded.ok());
        if (p.attempted)
          p.attempted(loaded.ok());
        if (!loaded.ok()) {
          log.error("reload failed, the old configuration stays in force: {}", loaded.error().message());
          return std::make_shared<const status>(loaded.error());
        }
        when->set(static_cast<double>(p.clk->now_ms()) / 1000);
        self->state.current = std::move(*loaded);
        if (p.accepted)
          p.accepted(self->state.current);
        distribute(self);
        log.info("configuration reloaded");
        return std::make_shared<const status>();
      },
      [self](links_atom, const links_ptr& peers) {
        auto before = std::exchange(self->state.peers, peers);
        const auto& s = self->state;
        if (!s.current)
          return;
        // Whoever is new or was restarted has no configuration yet.
        if (!before || before->http != peers->http)
          self->send(peers->http, config_atom_v, s.current);
        if (!before || before->discovery != peers->discovery)
          self->send(peers->discovery, config_atom_v, s.current);
        if (!before || before->maintenance != peers->maintenance)
          self->send(peers->maintenance, config_atom_v, s.current);
      },
  };
}

}  // namespace troupe::actors
