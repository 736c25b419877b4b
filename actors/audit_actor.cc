#include "actors/audit_actor.h"

#include "pipeline/ingest/ingester.h"
#include "query/engine/engine.h"
#include "storage/model/tenant.h"

namespace troupe::actors {

namespace {

using self_ptr = audit_actor::stateful_pointer<audit_state>;

void write(self_ptr self, const audit_params& p) {
  auto& s = self->state;
  auto batch = s.canary->due(p.clk->now_ms());
  if (!batch)
    return;
  self->request(s.peers->router, stage_timeout, put_atom_v, batch, false)
      .then(
          [self, batch](const outcome_ptr& o) {
            if (o->error.ok() && o->report.refused() == 0)
              self->state.canary->acknowledged(*batch);
          },
          // Unknown: nothing is expected of it.
          [](caf::error&) {});
}

void read(self_ptr self, const audit_params& p) {
  auto& canary = *self->state.canary;
  for (const auto& what : canary.reads(p.clk->now_ms(), p.reach_ms())) {
    auto got = p.engine->instant(*p.data, audit_tenant, what.expression, what.at);
    if (const auto* matrix = got.ok() ? std::get_if<query::matrix_value>(&got->value) : nullptr)
      canary.check(what, *matrix);
    else
      canary.unreadable();
  }
}

}  // namespace

audit_actor::behavior_type auditing(self_ptr self, audit_params p) {
  self->state.canary = std::make_unique<audit::canary>(p.canary, *p.metrics);
  auto later = [self, p] {
    self->delayed_send(self,
                       std::chrono::milliseconds(self->state.canary->until_next(p.clk->now_ms())),
                       tick_atom_v);
  };
  later();
  return {
      [](ping_atom) { return pong_atom_v; },
      [self](stop_atom) {
        self->state.stopping = true;
        return stopped_atom_v;
      },
      [self, p, later](tick_atom) {
        auto& s = self->state;
        if (s.stopping)
          return;
        if (s.peers)
          write(self, p);
        if (p.readable())
          read(self, p);
        later();
      },
      [self](links_atom, const links_ptr& peers) { self->state.peers = peers; },
  };
}

}  // namespace troupe::actors
