#include "pipeline/aggregate/log_follower.h"

#include <algorithm>
#include <utility>

namespace troupe::aggregate {

using storage::wal_batch;

class log_follower::sink final : public storage::wal_sink {
 public:
  sink(log_follower& from, uint32_t shard, const take& to) : from_(from), shard_(shard), to_(to) {}

  status apply(const wal_batch& batch) override {
    send::place& next = from_.at_.next[batch.slot];
    const send::place at{batch.epoch, batch.sequence, 0};
    // What damage has held up comes late: it was counted before if the place is an old one.
    const send::place& first = batch.recovered ? from_.begun_[batch.slot] : next;
    if (at < first)
      return {};
    next = std::max(next, send::place{batch.epoch, batch.sequence + 1, 0});
    to_(shard_, batch);
    return {};
  }

 private:
  log_follower& from_;
  const uint32_t shard_;
  const take& to_;
};

log_follower::log_follower(storage::log_door& log, send::stretch from)
    : log_(log), at_(std::move(from)), begun_(at_.next), tails_(log.shard_count()) {
  at_.from = send::starts_of(at_, log);
}

storage::log_segment log_follower::reading(uint32_t shard) const {
  return tails_[shard] ? std::max(tails_[shard]->at(), at_.from[shard]) : at_.from[shard];
}

result<bool> log_follower::read(size_t budget_bytes, const take& to) {
  bool at_end = true;
  for (uint32_t shard = 0; shard < tails_.size(); ++shard) {
    auto& tail = tails_[shard];
    if (!tail) {
      TROUPE_ASSIGN(tail, log_.follow(shard, at_.from[shard]));
    }
    sink into(*this, shard, to);
    TROUPE_ASSIGN(const bool done, tail->step(into, budget_bytes));
    at_end = at_end && done;
  }
  return at_end;
}

const send::stretch& log_follower::at() {
  for (uint32_t shard = 0; shard < tails_.size(); ++shard)
    at_.from[shard] = reading(shard);
  return at_;
}

uint64_t log_follower::samples_lost() const {
  uint64_t out = 0;
  for (const auto& t : tails_)
    out += t ? t->samples_lost() : 0;
  return out;
}

}  // namespace troupe::aggregate
