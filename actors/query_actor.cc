#include "actors/query_actor.h"

namespace troupe::actors {

query_actor::behavior_type query_worker(query_actor::stateful_pointer<query_state> self,
                                        query_params p) {
  return {
      [](ping_atom) { return pong_atom_v; },
      [self](stop_atom) {
        self->state.stopping = true;
        return stopped_atom_v;
      },
      [self, p](call_atom, const http_call_ptr& call) {
        bool gone = call->request.gone && call->request.gone->load(std::memory_order_relaxed);
        bool late = call->queue_deadline_ns && p.clk->monotonic_ns() > call->queue_deadline_ns;
        if (self->state.stopping || gone || late) {
          call->respond(
              api::overloaded(late ? "query timed out in query queue" : "the node is stopping"));
        } else {
          auto answer = p.api->handle(*call->route, call->request, call->gathered);
          call->respond(std::move(std::get<http::response>(answer)));
        }
        if (self->state.peers)
          self->send(self->state.peers->http, free_atom_v, p.index);
      },
      [self](links_atom, const links_ptr& peers) { self->state.peers = peers; },
  };
}

}  // namespace troupe::actors
