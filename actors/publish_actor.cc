#include "actors/publish_actor.h"

namespace troupe::actors {

namespace {

using self_ptr = publish_actor::stateful_pointer<publish_actor_state>;

/// Without publications there is nothing to do.
constexpr std::chrono::milliseconds idle_tick{1000};
/// Others have their turn between two steps.
constexpr std::chrono::milliseconds busy_tick{1};

// True: it could go on at once.
bool step(self_ptr self, const publish_params& p) {
  auto& s = self->state;
  const int64_t now_ns = p.clk->monotonic_ns();
  const bool more = s.publisher->step(p.clk->now_ms(), now_ns);
  if (p.board && now_ns >= s.next_told_ns) {
    s.next_told_ns = now_ns + topics::topic_board::every_ns;
    p.board->set(s.publisher->states());
  }
  if (s.stop.is_over(s.publisher->idle(), now_ns)) {
    s.publisher->flush();
    s.stop.answer();
  }
  return more;
}

}  // namespace

publish_actor::behavior_type publishing(self_ptr self, publish_params p) {
  self->state.publisher = std::make_unique<topics::publisher>(p.options, p.env);
  self->delayed_send(self, p.every, tick_atom_v);
  return {
      [](ping_atom) { return pong_atom_v; },
      [self, p](stop_atom) {
        self->state.publisher->stop();
        auto promise = begin_draining(self, self->state.stop, *p.clk, p.stop_deadline);
        step(self, p);
        return promise;
      },
      [self, p](tick_atom) {
        const bool more = step(self, p);
        const bool idle = self->state.publisher->empty();
        tick_again(self, self->state.stop, more ? busy_tick : idle ? idle_tick : p.every);
      },
      [self, p](config_atom, const config_ptr& c) {
        self->state.publisher->apply(c);
        step(self, p);
      },
  };
}

}  // namespace troupe::actors
