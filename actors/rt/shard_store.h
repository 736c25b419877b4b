// What every actor does that stores batches: split them by shard, send each shard its share in one
// message, join the answers. Lives in the actor's state, so no locks; the actor handles sweep_atom
// with sweep(self, store.asked) and keeps `peers` up to date.
#pragma once

#include "actors/rt/open_requests.h"
#include "pipeline/ingest/ingester.h"
#include "pipeline/route/router.h"
#include "storage/base/stats.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe::actors {

struct shard_store_params {
  uint32_t shards = 1;
  registry* metrics = nullptr;
  /// Told about every batch taken and every answer given; may be empty.
  std::function<void(const batch_ptr&)> on_offer;
  std::function<void(const batch_ptr&, const ingest::outcome&)> on_outcome;
};

/// One outcome per batch, in their order.
using outcomes = std::vector<ingest::outcome>;

/// Answers of the shards to the parts of some batches.
struct joined_outcomes {
  batch_list_ptr batches;
  outcomes sums;
  std::function<void(const batch_ptr&, const ingest::outcome&)> observer;
  std::function<void(outcomes)> done;
  size_t missing = 0;  ///< shards that have not answered

  /// The first failure is what the sender hears: it repeats the whole batch, and what was stored
  /// already is recognised.
  void add(size_t batch, const ingest::outcome& part);
  /// A shard has; the last one ends it.
  void answered();
};

/// A batch that was not stored for such a reason may be offered again.
inline bool worth_repeating(const status& s) {
  return s.code() == errc::unavailable || s.code() == errc::no_space || s.code() == errc::timeout;
}

class shard_store {
 public:
  explicit shard_store(shard_store_params p);

  /// Calls `done` once, with an outcome per batch. `awaited`: see ingest_actor.
  template <class Self>
  void put(Self self, batch_list_ptr batches, bool awaited, std::function<void(outcomes)> done) {
    if (stopping || !peers) {
      const ingest::outcome refused{{errc::unavailable, "the node is starting or stopping"}, {}};
      return done(outcomes(batches->size(), refused));
    }
    auto shares = split(*batches);
    auto join = std::make_shared<joined_outcomes>();
    join->sums.resize(batches->size());
    join->batches = std::move(batches);
    join->observer = params_.on_outcome;
    join->done = std::move(done);
    for (const auto& share : shares)
      join->missing += share.parts.empty() ? 0 : 1;
    for (uint32_t shard = 0; shard < shares.size(); ++shard)
      if (!shares[shard].parts.empty())
        send(self, shard, std::move(shares[shard]), awaited, join);
  }

  open_requests asked;
  links_ptr peers;
  bool stopping = false;

 private:
  /// What one shard gets of some batches.
  struct share {
    std::vector<batch_ptr> parts;
    std::vector<size_t> of;  ///< whose part each is
  };
  std::vector<share> split(const std::vector<batch_ptr>& batches);

  template <class Self>
  void send(Self self, uint32_t shard, share s, bool awaited,
            const std::shared_ptr<joined_outcomes>& join) {
    auto of = std::make_shared<const std::vector<size_t>>(std::move(s.of));
    auto parts = std::make_shared<const std::vector<batch_ptr>>(std::move(s.parts));
    ask<outcome_list_ptr>(
        self, asked, peers->ingest[shard],
        [join, of](const outcome_list_ptr& got) {
          for (size_t i = 0; i < of->size(); ++i)
            join->add((*of)[i], (*got)[i]);
          join->answered();
        },
        [this, self, join, of](caf::error& e) {
          failures_.add(static_cast<double>(of->size()));
          for (size_t batch : *of)
            join->add(batch, {{errc::unavailable, "ingest: " + self->system().render(e)}, {}});
          join->answered();
        },
        put_atom_v, batch_list_ptr(std::move(parts)), awaited);
  }

  shard_store_params params_;
  route::batch_router router_;
  counter &batches_, &failures_;
};

}  // namespace troupe::actors
