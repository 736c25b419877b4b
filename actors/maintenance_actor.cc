#include "actors/maintenance_actor.h"

#include "storage/base/log.h"
#include "storage/storage.h"

namespace troupe::actors {

namespace {

const logger log("maintenance");

using self_ptr = maintenance_actor::stateful_pointer<maintenance_state>;

void begin_round(self_ptr self) {
  if (std::exchange(self->state.working, true))
    return;
  self->send(self, step_atom_v);
}

}  // namespace

maintenance_actor::behavior_type maintenance(self_ptr self, maintenance_params p) {
  auto* rounds = &p.metrics->get_counter("troupe_maintenance_rounds_total",
                                         "Units of background storage work.");
  auto* failures = &p.metrics->get_counter(
      "troupe_maintenance_failures_total",
      "Units of background storage work that failed and will be tried again.");
  self->delayed_send(self, p.every, tick_atom_v);
  return {
      [](ping_atom) { return pong_atom_v; },
      [self](stop_atom) {
        self->state.stopping = true;
        return stopped_atom_v;
      },
      [self, p](tick_atom) {
        self->delayed_send(self, p.every, tick_atom_v);
        begin_round(self);
      },
      [self](flush_atom) { begin_round(self); },
      [=](step_atom) {
        auto& s = self->state;
        s.working = false;
        if (s.stopping)
          return;
        // One unit per message, so that stop, ping and admin calls get in between.
        bool more = false;
        if (p.store->ready()) {
          auto did = p.store->maintain(s.shard);
          rounds->add();
          if (!did.ok()) {
            failures->add();
            log.error("shard {}: {}", s.shard, did.error().to_string());
          }
          more = did.ok() && *did;
        }
        if (!more)
          s.shard = (s.shard + 1) % p.store->shard_count();
        if (more || s.shard != 0)
          begin_round(self);
      },
      [self, p](call_atom, const http_call_ptr& call) {
        if (self->state.stopping) {
          call->respond(api::overloaded("the node is stopping"));
          return;
        }
        auto answer = p.api->handle(*call->route, call->request, call->gathered);
        if (auto* ready = std::get_if<http::response>(&answer))
          call->respond(std::move(*ready));
        begin_round(self);  // it may have asked for work
      },
      [p](config_atom, const config_ptr& c) {
        if (p.apply_config)
          p.apply_config(c);
      },
  };
}

}  // namespace troupe::actors
