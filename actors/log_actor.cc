#include "actors/log_actor.h"

namespace troupe::actors {

namespace {

constexpr std::chrono::milliseconds every{200};
constexpr std::chrono::milliseconds every_when_unused{1000};

}  // namespace

log_actor::behavior_type log_writing(log_actor::stateful_pointer<log_state> self, log_params p) {
  auto tick_later = [self, p] {
    self->delayed_send(self, p.lines->active() ? every : every_when_unused, tick_atom_v);
  };
  tick_later();
  return {
      [](ping_atom) { return pong_atom_v; },
      [self, p](stop_atom) {
        self->state.stopping = true;
        p.lines->flush();
        return stopped_atom_v;
      },
      [self, p, tick_later](tick_atom) {
        if (self->state.stopping)
          return;
        p.lines->flush();
        tick_later();
      },
  };
}

}  // namespace troupe::actors
