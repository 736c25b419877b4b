#include "actors/feed_actor.h"

#include "config/config.h"
#include "pipeline/federate/stream_http.h"

namespace troupe::actors {

namespace {

using self_ptr = feed_actor::stateful_pointer<feed_state>;

/// While nobody asks.
constexpr std::chrono::milliseconds idle_tick{1000};

void respond(const http_call_ptr& call, federate::stream_answer a) {
  auto r = federate::to_response(std::move(a));
  r.route = call->route->path;
  call->respond(std::move(r));
}

void forget(self_ptr self, const http_call_ptr& call) {
  federate::stream_answer out;
  out.error =
      self->state.source->forget(std::string(call->request.param("subscription").value_or("")));
  respond(call, std::move(out));
}

void ask(self_ptr self, const feed_params& p, const http_call_ptr& call) {
  auto r = federate::read_request(call->request);
  if (!r.ok()) {
    federate::stream_answer refused;
    refused.error = r.error();
    return respond(call, std::move(refused));
  }
  self->state.source->ask(
      std::move(*r), call->request.gone,
      [call](federate::stream_answer a) { respond(call, std::move(a)); }, p.clk->now_ms(),
      p.clk->monotonic_ns());
}

}  // namespace

feed_actor::behavior_type feeding(self_ptr self, feed_params p) {
  self->state.source = std::make_unique<federate::source>(p.env);
  self->delayed_send(self, p.every, tick_atom_v);
  return {
      [](ping_atom) { return pong_atom_v; },
      [self](stop_atom) {
        self->state.source->stop();
        return stopped_atom_v;
      },
      [self, p](tick_atom) {
        auto& source = *self->state.source;
        source.step(p.clk->now_ms(), p.clk->monotonic_ns());
        self->delayed_send(self, source.is_in_use() ? p.every : idle_tick, tick_atom_v);
      },
      [self](config_atom, const config_ptr& c) {
        self->state.source->set_external_labels(c->global.external_labels);
      },
      [self, p](call_atom, const http_call_ptr& call) {
        if (call->request.method == "DELETE")
          forget(self, call);
        else
          ask(self, p, call);
      },
  };
}

}  // namespace troupe::actors
