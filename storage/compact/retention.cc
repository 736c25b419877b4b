#include "storage/compact/retention.h"

#include <algorithm>

namespace troupe::storage {
namespace {

bool over(int64_t retention_ms, int64_t age_ms) {
  return retention_ms > 0 && retention_ms <= age_ms;
}

class unexpired_series final : public series_set {
 public:
  unexpired_series(std::unique_ptr<series_set> source,
                   std::shared_ptr<const retention_policy> policy, timestamp_ms reference)
      : source_(std::move(source)), policy_(std::move(policy)), reference_(reference) {}

  bool next() override {
    if (!source_->next())
      return false;
    const int64_t retention = policy_->of(source_->series());
    // What is exactly as old as the retention is kept, as admission takes it.
    if (retention == 0 || __builtin_sub_overflow(reference_, retention, &oldest_))
      oldest_ = min_time;
    return true;
  }
  const labels& series() const override { return source_->series(); }
  status error() const override { return source_->error(); }
  status read(timestamp_ms mint, timestamp_ms maxt, sample_columns& out) override {
    mint = std::max(mint, oldest_);
    return mint > maxt ? status() : source_->read(mint, maxt, out);
  }

 private:
  const std::unique_ptr<series_set> source_;
  const std::shared_ptr<const retention_policy> policy_;
  const timestamp_ms reference_;
  timestamp_ms oldest_ = min_time;
};

}  // namespace

retention_policy::retention_policy(int64_t otherwise_ms, std::vector<retention_rule> rules)
    : otherwise_ms_(otherwise_ms), rules_(std::move(rules)) {}

int64_t retention_policy::longest_ms() const {
  int64_t longest = otherwise_ms_;
  for (const auto& rule : rules_)
    longest = longest == 0 || rule.retention_ms == 0 ? 0 : std::max(longest, rule.retention_ms);
  return longest;
}

int64_t retention_policy::of(const labels& series) const {
  for (const auto& rule : rules_)
    if (matches_all(rule.selector, series))
      return rule.retention_ms;
  return otherwise_ms_;
}

size_t retention_policy::due(int64_t age_ms) const {
  return static_cast<size_t>(
      std::count_if(rules_.begin(), rules_.end(),
                    [&](const auto& rule) { return over(rule.retention_ms, age_ms); }) +
      over(otherwise_ms_, age_ms));
}

result<bool> retention_policy::has_expired(const block_reader& block, int64_t age_ms) const {
  auto rest = block.index().all();
  bool found = false;
  for (const auto& rule : rules_) {
    TROUPE_ASSIGN(const auto refs, resolve_set(block.index(), rule.selector));
    found |= over(rule.retention_ms, age_ms) && intersects(*rest, *refs);
    rest = std::make_shared<const posting_set>(subtract(*rest, *refs));
  }
  found |= over(otherwise_ms_, age_ms) && !rest->empty();
  if (block.unreadable())
    return {errc::io_error, "block " + block.meta().id + ": the index cannot be read any more"};
  return found;
}

std::unique_ptr<series_set> without_expired(std::unique_ptr<series_set> source,
                                            std::shared_ptr<const retention_policy> policy,
                                            timestamp_ms reference) {
  return std::make_unique<unexpired_series>(std::move(source), std::move(policy), reference);
}

}  // namespace troupe::storage
