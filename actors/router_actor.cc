#include "actors/router_actor.h"

#include "pipeline/ingest/ingester.h"

namespace troupe::actors {

namespace {

using self_ptr = router_actor::stateful_pointer<router_state>;
using promise_type = caf::typed_response_promise<outcome_ptr>;

outcome_ptr refusal(errc code, std::string why) {
  return std::make_shared<const ingest::outcome>(ingest::outcome{{code, std::move(why)}, {}});
}

/// Answers of the parts of one batch. The first failure is what the sender hears: it repeats the whole batch, and what
/// was stored already is recognised.
struct joined {
  promise_type promise;
  batch_ptr batch;
  std::function<void(const batch_ptr&, const ingest::outcome&)> observer;
  size_t missing = 0;
  ingest::outcome sum;

  void add(const ingest::outcome& part) {
    if (sum.error.ok())
      sum.error = part.error;
    auto& r = sum.report;
    if (part.report.refused() && !r.refused())
      r.first_refused = part.report.first_refused;
    r.accepted += part.report.accepted;
    r.too_old += part.report.too_old;
    r.too_far_in_future += part.report.too_far_in_future;
    r.new_series_refused += part.report.new_series_refused;
    if (--missing > 0)
      return;
    if (observer)
      observer(batch, sum);
    promise.deliver(std::make_shared<const ingest::outcome>(std::move(sum)));
  }
};

void send_part(self_ptr self, const route::batch_part& part, bool awaited, const std::shared_ptr<joined>& join,
               counter* failures) {
  ++self->state.in_flight;
  self->request(self->state.peers->ingest[part.shard], stage_timeout, put_atom_v, part.batch, awaited)
      .then(
          [self, join](const outcome_ptr& o) {
            --self->state.in_flight;
            join->add(*o);
          },
          [self, join, failures](caf::error& e) {
            --self->state.in_flight;
            failures->add();
            join->add({{errc::unavailable, "ingest: " + self->system().render(e)}, {}});
          });
}

}  // namespace

router_actor::behavior_type batch_routing(self_ptr self, router_params p) {
  self->state.stage = std::make_unique<route::batch_router>(p.shards);
  auto* batches = &p.metrics->get_counter("troupe_router_batches_total", "Batches routed to shards.");
  auto* failures = &p.metrics->get_counter("troupe_router_failures_total", "Parts that no shard answered.");
  return {
      [](ping_atom) { return pong_atom_v; },
      [self](stop_atom) {
        self->state.stopping = true;
        return stopped_atom_v;
      },
      [=](put_atom, const batch_ptr& batch, bool awaited) {
        auto promise = self->make_response_promise<outcome_ptr>();
        if (self->state.stopping || !self->state.peers) {
          promise.deliver(refusal(errc::unavailable, "the node is starting or stopping"));
          return promise;
        }
        batches->add();
        if (p.on_offer)
          p.on_offer(batch);
        auto parts = self->state.stage->split(batch);
        auto join = std::make_shared<joined>();
        join->promise = promise;
        join->batch = batch;
        join->observer = p.on_outcome;
        join->missing = parts.size();
        for (const auto& part : parts)
          send_part(self, part, awaited, join, failures);
        return promise;
      },
      [self](links_atom, const links_ptr& peers) { self->state.peers = peers; },
  };
}

}  // namespace troupe::actors
