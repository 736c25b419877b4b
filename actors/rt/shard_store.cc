#include "actors/rt/shard_store.h"

namespace troupe::actors {

void joined_outcomes::add(size_t batch, const ingest::outcome& part) {
  auto& sum = sums[batch];
  if (sum.error.ok())
    sum.error = part.error;
  sum.report += part.report;
}

void joined_outcomes::answered() {
  if (--missing > 0)
    return;
  if (observer)
    for (size_t i = 0; i < sums.size(); ++i)
      observer((*batches)[i], sums[i]);
  done(std::move(sums));
}

shard_store::shard_store(shard_store_params p)
    : params_(std::move(p)),
      router_(params_.shards),
      batches_(
          params_.metrics->get_counter("troupe_router_batches_total", "Batches routed to shards.")),
      failures_(params_.metrics->get_counter("troupe_router_failures_total",
                                             "Parts that no shard answered.")) {}

std::vector<shard_store::share> shard_store::split(const std::vector<batch_ptr>& batches) {
  batches_.add(static_cast<double>(batches.size()));
  std::vector<share> shares(params_.shards);
  for (size_t i = 0; i < batches.size(); ++i) {
    if (params_.on_offer)
      params_.on_offer(batches[i]);
    for (auto& part : router_.split(batches[i])) {
      shares[part.shard].parts.push_back(std::move(part.batch));
      shares[part.shard].of.push_back(i);
    }
  }
  return shares;
}

}  // namespace troupe::actors
