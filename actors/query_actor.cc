#include "actors/query_actor.h"

namespace troupe::actors {

namespace {

using self_ptr = query_actor::stateful_pointer<query_state>;

/// Answers of the router to all batches of one write call.
struct write_join {
  http_call_ptr call;
  std::vector<ingest::outcome> outcomes;
  std::function<http::response(const std::vector<ingest::outcome>&)> finish;
  size_t missing = 0;

  void done(size_t i, ingest::outcome o) {
    outcomes[i] = std::move(o);
    if (--missing == 0)
      call->respond(finish(outcomes));
  }
};

void store(self_ptr self, const http_call_ptr& call, api::store_request request) {
  if (request.batches.empty()) {
    call->respond(request.finish({}));
    return;
  }
  if (!self->state.peers) {
    call->respond(api::overloaded("the node is starting"));
    return;
  }
  auto join = std::make_shared<write_join>();
  join->call = call;
  join->outcomes.resize(request.batches.size());
  join->finish = std::move(request.finish);
  join->missing = request.batches.size();
  for (size_t i = 0; i < request.batches.size(); ++i) {
    self->request(self->state.peers->router, stage_timeout, put_atom_v, request.batches[i], true)
        .then([join, i](const outcome_ptr& o) { join->done(i, *o); },
              [self, join, i](caf::error& e) {
                join->done(i, {{errc::unavailable, "router: " + self->system().render(e)}, {}});
              });
  }
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
      [self](links_atom, const links_ptr& peers) { self->state.peers = peers; },
  };
}

}  // namespace troupe::actors
