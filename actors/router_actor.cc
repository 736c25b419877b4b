#include "actors/router_actor.h"

namespace troupe::actors {

router_actor::behavior_type batch_routing(router_actor::stateful_pointer<router_state> self,
                                          shard_store_params params) {
  self->state.store = std::make_unique<shard_store>(std::move(params));
  shard_store* store = self->state.store.get();
  return {
      [](ping_atom) { return pong_atom_v; },
      [store](stop_atom) {
        store->stopping = true;
        return stopped_atom_v;
      },
      [self, store](put_atom, const batch_ptr& batch, bool awaited) {
        auto promise = self->make_response_promise<outcome_ptr>();
        store->put(
            self, std::make_shared<const std::vector<batch_ptr>>(1, batch), awaited,
            [promise](outcomes all) mutable {
              promise.deliver(std::make_shared<const ingest::outcome>(std::move(all.front())));
            });
        return promise;
      },
      [self, store](put_atom, const batch_list_ptr& batches) {
        auto promise = self->make_response_promise<outcome_list_ptr>();
        store->put(self, batches, true, [promise](outcomes all) mutable {
          promise.deliver(std::make_shared<const outcomes>(std::move(all)));
        });
        return promise;
      },
      [self, store](sweep_atom) { sweep(self, store->asked); },
      [store](links_atom, const links_ptr& peers) { store->peers = peers; },
  };
}

}  // namespace troupe::actors
