#include "actors/ingest_actor.h"

#include "storage/base/log.h"
#include "storage/storage.h"

namespace troupe::actors {

namespace {

const logger log("ingest");

using self_ptr = ingest_actor::stateful_pointer<ingest_state>;

void commit(self_ptr self, const ingest_params& p) {
  auto& s = self->state;
  s.commit_soon = s.commit_later = false;
  if (status st = s.stage->commit(); !st.ok())
    p.fatal(exit_code::storage_broken, "shard " + std::to_string(p.shard) + ": " + st.to_string());
  if (p.sync_every.count() != 0 && !s.sync_later) {
    s.sync_later = true;
    self->delayed_send(self, p.sync_every, sync_atom_v);
  }
}

void sync(self_ptr self, const ingest_params& p) {
  self->state.sync_later = false;
  if (status st = self->state.stage->sync(); !st.ok())
    p.fatal(exit_code::storage_broken, "shard " + std::to_string(p.shard) + ": " + st.to_string());
}

void replay(self_ptr self, const ingest_params& p) {
  auto done = p.store->replay_step(p.shard);
  if (!done.ok())
    p.fatal(exit_code::storage_broken,
            "replay of shard " + std::to_string(p.shard) + ": " + done.error().to_string());
  else if (!*done)
    self->send(self, replay_atom_v);
  else
    log.debug("replay of shard {} is through", p.shard);
}

}  // namespace

ingest_actor::behavior_type ingest_shard(self_ptr self, ingest_params p) {
  self->state.stage =
      std::make_unique<ingest::ingester>(p.store->appender(p.shard), *p.metrics, p.shard);
  self->send(self, replay_atom_v);
  return {
      [](ping_atom) { return pong_atom_v; },
      [self, p](stop_atom) {
        self->state.stopping = true;
        commit(self, p);
        return stopped_atom_v;
      },
      [self, p](put_atom, const batch_list_ptr& batches, bool awaited) {
        auto& s = self->state;
        auto promise = self->make_response_promise<outcome_list_ptr>();
        if (s.stopping) {
          promise.deliver(std::make_shared<const std::vector<ingest::outcome>>(
              batches->size(), ingest::outcome{{errc::unavailable, "the node is stopping"}, {}}));
          return promise;
        }
        bool pending =
            s.stage->offer(*batches, [promise](std::vector<ingest::outcome> all) mutable {
              promise.deliver(std::make_shared<const std::vector<ingest::outcome>>(std::move(all)));
            });
        if (!s.stage->broken().ok())
          p.fatal(exit_code::storage_broken,
                  "shard " + std::to_string(p.shard) + ": " + s.stage->broken().to_string());
        if (pending && awaited && !s.commit_soon) {
          s.commit_soon = true;
          self->send(self, commit_atom_v);
        } else if (pending && !s.commit_soon && !s.commit_later) {
          s.commit_later = true;
          self->delayed_send(self, p.ride_along, commit_atom_v);
        }
        return promise;
      },
      [self, p](commit_atom) { commit(self, p); },
      [self, p](sync_atom) { sync(self, p); },
      [self, p](replay_atom) { replay(self, p); },
  };
}

}  // namespace troupe::actors
