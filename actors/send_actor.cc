#include "actors/send_actor.h"

#include "actors/rt/post_results.h"

namespace troupe::actors {

namespace {

using self_ptr = send_actor::stateful_pointer<send_actor_state>;

/// Without destinations there is nothing to do.
constexpr std::chrono::milliseconds idle_tick{1000};

void step(self_ptr self, const send_params& p) {
  auto& s = self->state;
  const int64_t now_ns = p.clk->monotonic_ns();
  auto fetches = s.writer->step(p.clk->now_ms(), now_ns);
  if (!fetches.empty())
    p.fetcher->fetch(std::move(fetches), post_results(send_actor(self)));
  if (!s.stop.is_over(s.writer->idle(), now_ns))
    return;
  s.writer->flush();
  s.stop.answer();
}

}  // namespace

send_actor::behavior_type sending(self_ptr self, send_params p) {
  self->state.writer = std::make_unique<send::remote_writer>(p.options, p.env);
  self->delayed_send(self, p.every, tick_atom_v);
  return {
      [](ping_atom) { return pong_atom_v; },
      [self, p](stop_atom) {
        self->state.writer->stop();
        auto promise = begin_draining(self, self->state.stop, *p.clk, p.stop_deadline);
        step(self, p);
        return promise;
      },
      [self, p](tick_atom) {
        step(self, p);
        tick_again(self, self->state.stop, self->state.writer->empty() ? idle_tick : p.every);
      },
      [self, p](config_atom, const config_ptr& c) {
        self->state.writer->apply(c);
        step(self, p);
      },
      [self, p](fetched_atom, const fetch_results_ptr& got) {
        for (const auto& r : *got)
          self->state.writer->on_result(r, p.clk->now_ms(), p.clk->monotonic_ns());
        step(self, p);
      },
  };
}

}  // namespace troupe::actors
