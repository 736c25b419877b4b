#include "actors/router_actor.h"

#include "pipeline/ingest/ingester.h"

namespace troupe::actors {

namespace {

using self_ptr = router_actor::stateful_pointer<router_state>;
using outcomes = std::vector<ingest::outcome>;

outcomes refusals(size_t n, errc code, std::string why) {
  return outcomes(n, ingest::outcome{{code, std::move(why)}, {}});
}

/// Answers of the shards to the parts of some batches.
struct joined {
  batch_list_ptr batches;
  outcomes sums;
  std::function<void(const batch_ptr&, const ingest::outcome&)> observer;
  std::function<void(outcomes)> done;
  size_t missing = 0;  ///< shards that have not answered

  /// The first failure is what the sender hears: it repeats the whole batch, and what was stored
  /// already is recognised.
  void add(size_t batch, const ingest::outcome& part) {
    auto& sum = sums[batch];
    if (sum.error.ok())
      sum.error = part.error;
    auto& r = sum.report;
    if (part.report.refused() && !r.refused())
      r.first_refused = part.report.first_refused;
    r.accepted += part.report.accepted;
    r.too_old += part.report.too_old;
    r.too_far_in_future += part.report.too_far_in_future;
    r.new_series_refused += part.report.new_series_refused;
    r.no_memory += part.report.no_memory;
  }
  void answered() {
    if (--missing > 0)
      return;
    if (observer)
      for (size_t i = 0; i < sums.size(); ++i)
        observer((*batches)[i], sums[i]);
    done(std::move(sums));
  }
};
using joined_ptr = std::shared_ptr<joined>;

/// What one shard gets of some batches.
struct shard_share {
  std::vector<batch_ptr> parts;
  std::vector<size_t> of;  ///< whose part each is
};

void send_share(self_ptr self, uint32_t shard, shard_share share, bool awaited,
                const joined_ptr& join, counter* failures) {
  auto of = std::make_shared<const std::vector<size_t>>(std::move(share.of));
  auto parts = std::make_shared<const std::vector<batch_ptr>>(std::move(share.parts));
  ask<outcome_list_ptr>(
      self, self->state.asked, self->state.peers->ingest[shard],
      [join, of](const outcome_list_ptr& got) {
        for (size_t i = 0; i < of->size(); ++i)
          join->add((*of)[i], (*got)[i]);
        join->answered();
      },
      [self, join, of, failures](caf::error& e) {
        failures->add(static_cast<double>(of->size()));
        for (size_t batch : *of)
          join->add(batch, {{errc::unavailable, "ingest: " + self->system().render(e)}, {}});
        join->answered();
      },
      put_atom_v, batch_list_ptr(std::move(parts)), awaited);
}

struct router_counters {
  counter* batches;
  counter* failures;
};

/// Splits by shard, sends each shard its share, calls `done` with an outcome per batch.
void store(self_ptr self, const router_params& p, const router_counters& count,
           batch_list_ptr batches, bool awaited, std::function<void(outcomes)> done) {
  if (self->state.stopping || !self->state.peers)
    return done(refusals(batches->size(), errc::unavailable, "the node is starting or stopping"));
  count.batches->add(static_cast<double>(batches->size()));
  std::vector<shard_share> shares(p.shards);
  for (size_t i = 0; i < batches->size(); ++i) {
    if (p.on_offer)
      p.on_offer((*batches)[i]);
    for (auto& part : self->state.stage->split((*batches)[i])) {
      shares[part.shard].parts.push_back(std::move(part.batch));
      shares[part.shard].of.push_back(i);
    }
  }
  auto join = std::make_shared<joined>();
  join->sums.resize(batches->size());
  join->batches = std::move(batches);
  join->observer = p.on_outcome;
  join->done = std::move(done);
  for (const auto& share : shares)
    join->missing += share.parts.empty() ? 0 : 1;
  for (uint32_t shard = 0; shard < p.shards; ++shard)
    if (!shares[shard].parts.empty())
      send_share(self, shard, std::move(shares[shard]), awaited, join, count.failures);
}

}  // namespace

router_actor::behavior_type batch_routing(self_ptr self, router_params p) {
  self->state.stage = std::make_unique<route::batch_router>(p.shards);
  router_counters count{
      &p.metrics->get_counter("troupe_router_batches_total", "Batches routed to shards."),
      &p.metrics->get_counter("troupe_router_failures_total", "Parts that no shard answered.")};
  return {
      [](ping_atom) { return pong_atom_v; },
      [self](stop_atom) {
        self->state.stopping = true;
        return stopped_atom_v;
      },
      [=](put_atom, const batch_ptr& batch, bool awaited) {
        auto promise = self->make_response_promise<outcome_ptr>();
        store(self, p, count, std::make_shared<const std::vector<batch_ptr>>(1, batch), awaited,
              [promise](outcomes all) mutable {
                promise.deliver(std::make_shared<const ingest::outcome>(std::move(all.front())));
              });
        return promise;
      },
      [=](put_atom, const batch_list_ptr& batches) {
        auto promise = self->make_response_promise<outcome_list_ptr>();
        store(self, p, count, batches, true, [promise](outcomes all) mutable {
          promise.deliver(std::make_shared<const outcomes>(std::move(all)));
        });
        return promise;
      },
      [self](sweep_atom) { sweep(self, self->state.asked); },
      [self](links_atom, const links_ptr& peers) { self->state.peers = peers; },
  };
}

}  // namespace troupe::actors
