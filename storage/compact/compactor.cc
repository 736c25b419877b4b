#include "storage/compact/compactor.h"

#include "storage/base/check.h"
#include "storage/base/fault_twin.h"
#include "storage/chunk/columns.h"
#include "storage/chunk/series_merge.h"

#include <algorithm>

namespace troupe::storage {
namespace {

#ifdef TROUPE_FAULT_TWINS
// The twin compact_drops_last: what is read lacks its last float.
class last_float_dropper final : public series_set {
 public:
  explicit last_float_dropper(std::unique_ptr<series_set> source) : source_(std::move(source)) {}
  bool next() override { return source_->next(); }
  const labels& series() const override { return source_->series(); }
  status error() const override { return source_->error(); }
  status read(timestamp_ms mint, timestamp_ms maxt, sample_columns& out) override {
    TROUPE_TRY(source_->read(mint, maxt, out));
    if (!out.ts.empty())
      remove_intervals({{out.ts.back(), out.ts.back()}}, out);
    return {};
  }

 private:
  std::unique_ptr<series_set> source_;
};
#endif

void sort_unique(std::vector<std::string>& v) {
  std::sort(v.begin(), v.end());
  v.erase(std::unique(v.begin(), v.end()), v.end());
}

}  // namespace

block_spec merged_spec(std::span<const std::shared_ptr<block_reader>> parents, std::string id) {
  TROUPE_CHECK(!parents.empty());
  const block_meta& first = parents.front()->meta();
  block_spec spec{std::move(id), first.tenant, first.min_time, first.max_time, first.level, {}, {}};
  for (const auto& parent : parents) {
    const block_meta& m = parent->meta();
    TROUPE_CHECK(m.tenant == spec.tenant);
    spec.min_time = std::min(spec.min_time, m.min_time);
    spec.max_time = std::max(spec.max_time, m.max_time);
    spec.level = std::max(spec.level, m.level);
    spec.sources.insert(spec.sources.end(), m.sources.begin(), m.sources.end());
    spec.parents.push_back(m.id);
  }
  // A rewrite stays on its level.
  if (parents.size() > 1)
    ++spec.level;
  sort_unique(spec.sources);
  sort_unique(spec.parents);
  return spec;
}

result<block_meta> compact_blocks(file_system& fs, const std::string& dir, const block_spec& spec,
                                  std::span<const std::shared_ptr<block_reader>> parents,
                                  const kept_samples& kept) {
  std::vector<std::unique_ptr<series_set>> sources;
  for (const auto& parent : parents) {
    TROUPE_ASSIGN(auto source, parent->select({}, min_time, max_time, nullptr));
    sources.push_back(std::move(source));
  }
  auto merged = merge_series(std::move(sources));
  if (kept.policy && kept.policy->by_series())
    merged = without_expired(std::move(merged), kept.policy, kept.reference);
#ifdef TROUPE_FAULT_TWINS
  if (TROUPE_FAULT(compact_drops_last))
    merged = std::make_unique<last_float_dropper>(std::move(merged));
#endif
  return write_block(fs, dir, spec, *merged);
}

}  // namespace troupe::storage
