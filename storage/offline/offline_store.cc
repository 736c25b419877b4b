#include "storage/offline/offline_store.h"

#include "storage/chunk/series_merge.h"
#include "storage/head/chunk_file.h"
#include "storage/model/slot.h"

#include <algorithm>

namespace troupe::storage {
namespace {

// Keeps the querier of its series; its samples are cut to a filter's time.
class selected_set final : public series_set {
 public:
  selected_set(std::unique_ptr<querier> from, std::unique_ptr<series_set> set,
               const sample_filter& filter, std::vector<std::string>& warnings)
      : from_(std::move(from)), set_(std::move(set)), filter_(filter), warnings_(warnings) {}
  ~selected_set() override {
    for (auto& w : from_->warnings())
      if (std::find(warnings_.begin(), warnings_.end(), w) == warnings_.end())
        warnings_.push_back(std::move(w));
  }

  bool next() override { return set_->next(); }
  const labels& series() const override { return set_->series(); }
  status error() const override { return set_->error(); }
  status read(timestamp_ms mint, timestamp_ms maxt, sample_columns& out) override {
    mint = std::max(mint, filter_.mint);
    maxt = std::min(maxt, filter_.maxt);
    return mint > maxt ? status() : set_->read(mint, maxt, out);
  }

 private:
  std::unique_ptr<querier> from_;
  std::unique_ptr<series_set> set_;
  const sample_filter& filter_;
  std::vector<std::string>& warnings_;
};

// The number of shards that the folder's last node had, by what it left, so that its snapshots of
// the heads hold for the next start too.
uint32_t shards_of(file_system& fs, const std::string& dir, uint32_t unknown) {
  const auto entries = fs.list(join_path(dir, "head_chunks"));
  if (!entries.ok())
    return unknown;
  const auto n = std::count_if(entries->begin(), entries->end(), [](const dir_entry& e) {
    return e.name.ends_with(snapshot_suffix);
  });
  return n == 0 ? unknown : std::min(static_cast<uint32_t>(n), uint32_t{slot_count});
}

}  // namespace

result<std::unique_ptr<offline_store>> offline_store::open(file_system& fs, clock& clk,
                                                           uint64_t seed, const std::string& dir) {
  if (!fs.exists(join_path(dir, "troupe.meta")))
    return {errc::not_found, dir + ": no data folder of troupe"};
  options opts;
  opts.dir = dir;
  opts.retention_ms = 0;
  opts.shards = shards_of(fs, dir, opts.shards);
  TROUPE_ASSIGN(auto store, storage::open(opts, {&fs, &clk, nullptr, seed}));
  for (uint32_t shard = 0; shard < store->shard_count(); ++shard) {
    for (bool done = false; !done;) {
      TROUPE_ASSIGN(done, store->replay_step(shard));
    }
  }
  return std::unique_ptr<offline_store>(new offline_store(std::move(store)));
}

offline_store::~offline_store() {
  store_->close().ignore();
}

std::vector<time_interval> offline_store::extents() const {
  std::vector<time_interval> out;
  for (const auto& b : store_->blocks())
    if (!b.quarantined)
      out.push_back({b.min_time, b.max_time - 1});
  if (const auto head = store_->stats(1); head.series > 0 && head.min_time <= head.max_time)
    out.push_back({head.min_time, head.max_time});
  return out;
}

result<std::unique_ptr<series_set>> offline_store::select(
    const std::string& tenant, const sample_filter& filter, timestamp_ms mint, timestamp_ms maxt,
    std::vector<std::string>& warnings) const {
  TROUPE_ASSIGN(auto from, reader().open(tenant, mint, maxt));
  std::vector<std::unique_ptr<series_set>> sets;
  const std::vector<matchers> everything{matchers{}};
  for (const auto& ms : filter.selectors.empty() ? everything : filter.selectors) {
    TROUPE_ASSIGN(auto set, from->select({}, ms));
    sets.push_back(std::move(set));
  }
  auto set = sets.size() == 1 ? std::move(sets.front()) : merge_series(std::move(sets));
  return std::unique_ptr<series_set>(
      std::make_unique<selected_set>(std::move(from), std::move(set), filter, warnings));
}

}  // namespace troupe::storage
