#include "actors/query_actor.h"

namespace troupe::actors {

namespace {

using self_ptr = query_actor::stateful_pointer<query_state>;

void store(self_ptr self, const http_call_ptr& call, api::store_request request) {
  if (request.batches.empty()) {
    call->respond(request.finish({}));
    return;
  }
  if (!self->state.peers) {
    call->respond(api::overloaded("the node is starting"));
    return;
  }
  const auto n = request.batches.size();
  auto batches = std::make_shared<const std::vector<batch_ptr>>(std::move(request.batches));
  ask<outcome_list_ptr>(
      self, self->state.asked, self->state.peers->router,
      [call, finish = request.finish](const outcome_list_ptr& all) { call->respond(finish(*all)); },
      [self, call, n, finish = request.finish](caf::error& e) {
        const ingest::outcome lost{{errc::unavailable, "router: " + self->system().render(e)}, {}};
        call->respond(finish(std::vector<ingest::outcome>(n, lost)));
      },
      put_atom_v, batch_list_ptr(std::move(batches)));
}

}  // namespace

query_actor::behavior_type query_worker(self_ptr self, query_params p) {
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
          if (auto* ready = std::get_if<http::response>(&answer))
            call->respond(std::move(*ready));
          else
            store(self, call, std::move(std::get<api::store_request>(answer)));
        }
        if (self->state.peers)
          self->send(self->state.peers->http, free_atom_v, p.index);
      },
      [self](sweep_atom) { sweep(self, self->state.asked); },
      [self](links_atom, const links_ptr& peers) { self->state.peers = peers; },
  };
}

}  // namespace troupe::actors
