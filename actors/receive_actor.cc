#include "actors/receive_actor.h"

#include <algorithm>

namespace troupe::actors {

receive_queues::receive_queues(size_t receivers) : tokens_(receivers) {
  for (auto& t : tokens_)
    t = std::make_shared<const char>();
}

size_t receive_queues::waiting(size_t receiver) const {
  return static_cast<size_t>(tokens_[receiver].use_count()) - 1;
}

size_t receive_queues::shortest() const {
  const auto at =
      std::min_element(tokens_.begin(), tokens_.end(),
                       [](const auto& a, const auto& b) { return a.use_count() < b.use_count(); });
  return static_cast<size_t>(at - tokens_.begin());
}

namespace {

using self_ptr = receive_actor::stateful_pointer<receive_state>;

/// The latest time among the samples of batches; min_time without any.
timestamp_ms newest_of(const std::vector<batch_ptr>& batches) {
  timestamp_ms out = min_time;
  for (const auto& b : batches) {
    for (const auto& f : b->floats)
      out = std::max(out, f.ts);
    for (const auto& h : b->histograms)
      out = std::max(out, h.ts);
  }
  return out;
}

/// The host of "host:port".
std::string sender_of(const std::string& address) {
  return address.substr(0, address.rfind(':'));
}

void receive(self_ptr self, const receive_params& p, const http_call_ptr& call) {
  shard_store& store = *self->state.store;
  const bool gone = call->request.gone && call->request.gone->load(std::memory_order_relaxed);
  if (store.stopping || gone)
    return call->respond(api::overloaded("the node is stopping"));
  auto answer = p.api->handle(*call->route, call->request, call->gathered);
  if (auto* ready = std::get_if<http::response>(&answer))
    return call->respond(std::move(*ready));
  auto& request = std::get<api::store_request>(answer);
  if (request.batches.empty())
    return call->respond(request.finish({}));
  auto batches = std::make_shared<const std::vector<batch_ptr>>(std::move(request.batches));
  const timestamp_ms newest = newest_of(*batches);
  store.put(self, std::move(batches), true,
            [call, newest, &p, finish = std::move(request.finish)](outcomes all) {
              if (p.marks != nullptr && newest != min_time)
                p.marks->note(sender_of(call->request.remote_address), newest, p.clk->now_ms());
              call->respond(finish(all));
            });
}

}  // namespace

receive_actor::behavior_type receiving(self_ptr self, receive_params params) {
  auto p = std::make_shared<const receive_params>(std::move(params));
  self->state.store = std::make_unique<shard_store>(p->store);
  return {
      [](ping_atom) { return pong_atom_v; },
      [self](stop_atom) {
        self->state.store->stopping = true;
        return stopped_atom_v;
      },
      [self, p](call_atom, const http_call_ptr& call) {
        call->place.reset();
        receive(self, *p, call);
      },
      [self](sweep_atom) { sweep(self, self->state.store->asked); },
      [self](links_atom, const links_ptr& peers) { self->state.store->peers = peers; },
  };
}

}  // namespace troupe::actors
