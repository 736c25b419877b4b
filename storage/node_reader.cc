#include "storage/node_reader.h"

#include "storage/chunk/series_merge.h"
#include "storage/head/head_querier.h"

#include <algorithm>
#include <set>

namespace troupe::storage {
namespace {

class node_querier final : public querier {
 public:
  node_querier(std::string tenant, timestamp_ms mint, timestamp_ms maxt)
      : tenant_(std::move(tenant)), mint_(mint), maxt_(maxt) {}

  void add_head(const head& h) {
    if (h.min_ts() > maxt_ || h.max_ts() < mint_)
      return;
    if (const head_tenant* t = h.find_tenant(tenant_))
      heads_.push_back({&h, t});
  }
  void add_block(const block_reader& block) {
    if (block.meta().tenant == tenant_ && block.meta().overlaps(mint_, maxt_))
      blocks_.push_back(block.open_querier(mint_, maxt_));
  }
  void add_warning(std::string text) { warnings_.push_back(std::move(text)); }
  void hold(read_epochs::token token) { token_ = std::move(token); }

  result<std::unique_ptr<series_set>> select(const select_hints& hints,
                                             std::span<const matcher> ms) override {
    std::vector<std::unique_ptr<series_set>> sources;
    for (const auto& [h, tenant] : heads_)
      sources.push_back(select_head(*h, *tenant, mint_, maxt_, ms, hints.limit));
    for (const auto& b : blocks_) {
      TROUPE_ASSIGN(auto set, b->select(hints, ms));
      sources.push_back(std::move(set));
    }
    if (sources.size() == 1)
      return std::move(sources.front());
    return merge_series(std::move(sources));
  }

  result<std::vector<std::string>> label_names(std::span<const matcher> ms, size_t limit) override {
    std::set<std::string> all;
    for (const auto& [h, tenant] : heads_)
      all.merge(as_set(tenant->index.label_names(ms, limit)));
    for (const auto& b : blocks_) {
      TROUPE_ASSIGN(auto names, b->label_names(ms, limit));
      all.merge(as_set(std::move(names)));
    }
    return cut(all, limit);
  }

  result<std::vector<std::string>> label_values(std::string_view name, std::span<const matcher> ms,
                                                size_t limit) override {
    std::set<std::string> all;
    for (const auto& [h, tenant] : heads_)
      all.merge(as_set(tenant->index.label_values(name, ms, limit)));
    for (const auto& b : blocks_) {
      TROUPE_ASSIGN(auto values, b->label_values(name, ms, limit));
      all.merge(as_set(std::move(values)));
    }
    return cut(all, limit);
  }

  std::vector<std::string> warnings() const override {
    std::vector<std::string> out = warnings_;
    for (const auto& b : blocks_)
      for (auto& w : b->warnings())
        out.push_back(std::move(w));
    return out;
  }

 private:
  struct head_part {
    const head* from;
    const head_tenant* tenant;
  };

  static std::set<std::string> as_set(std::vector<std::string> sorted) {
    return {std::make_move_iterator(sorted.begin()), std::make_move_iterator(sorted.end())};
  }
  static std::vector<std::string> cut(std::set<std::string>& all, size_t limit) {
    std::vector<std::string> out;
    while (!all.empty() && (limit == 0 || out.size() < limit))
      out.push_back(std::move(all.extract(all.begin()).value()));
    return out;
  }

  const std::string tenant_;
  const timestamp_ms mint_, maxt_;
  read_epochs::token token_;
  std::vector<head_part> heads_;
  std::vector<std::unique_ptr<querier>> blocks_;
  std::vector<std::string> warnings_;
};

}  // namespace

bool node_reader::ready() const {
  return !closed_.load() &&
         std::all_of(shards_.begin(), shards_.end(), [](const auto& s) { return s->replayed(); });
}

status node_reader::available() const {
  if (closed_.load())
    return {errc::unavailable, "storage is closed"};
  if (!ready())
    return {errc::unavailable, "starting: the write-ahead log is being replayed"};
  return {};
}

result<std::unique_ptr<querier>> node_reader::open(std::string_view tenant, timestamp_ms mint,
                                                   timestamp_ms maxt) {
  TROUPE_TRY(available());
  auto out = std::make_unique<node_querier>(std::string(tenant), mint, maxt);
  // The token first: the head keeps what a list of blocks from before the next turn may lack.
  out->hold(epochs_.enter());
  for (const auto& b : blocks_.blocks())
    out->add_block(*b);
  for (const auto& s : shards_)
    out->add_head(s->memory());
  for (const auto& info : blocks_.infos())
    if (info.quarantined && info.range_known && info.min_time <= maxt && mint < info.max_time)
      out->add_warning("block " + info.id +
                       " in this range is damaged and set aside: " + info.reason);
  return std::unique_ptr<querier>(std::move(out));
}

std::unique_ptr<series_family> node_reader::family(const family_request& wanted) {
  if (!available().ok())
    return nullptr;
  auto token = epochs_.enter();
  const auto blocks = blocks_.blocks();
  const bool in_memory = std::none_of(blocks.begin(), blocks.end(), [&](const auto& b) {
    return b->meta().tenant == wanted.tenant && b->meta().overlaps(wanted.mint, wanted.maxt);
  });
  return in_memory ? rosters_.open(wanted, std::move(token)) : nullptr;
}

result<std::vector<exemplar_series>> node_reader::exemplars(std::string_view tenant,
                                                            timestamp_ms mint, timestamp_ms maxt,
                                                            std::span<const matchers> selectors) {
  TROUPE_TRY(available());
  // A series lives in one shard.
  std::vector<exemplar_series> out;
  for (const auto& s : shards_)
    for (auto& found : s->memory().exemplars().select(tenant, mint, maxt, selectors))
      out.push_back(std::move(found));
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.series < b.series; });
  return out;
}

std::vector<std::pair<std::string, metadata>> node_reader::metadata_of(std::string_view tenant,
                                                                       std::string_view family,
                                                                       size_t limit) {
  std::map<std::string, std::vector<metadata>> families;
  for (const auto& s : shards_)
    for (auto& [name, m] : s->memory().metadata().select(tenant, family, limit)) {
      auto& variants = families[name];
      if (std::find(variants.begin(), variants.end(), m) == variants.end())
        variants.push_back(std::move(m));
    }
  std::vector<std::pair<std::string, metadata>> out;
  size_t n = 0;
  for (const auto& [name, variants] : families) {
    if (limit != 0 && n++ >= limit)
      break;
    for (const auto& m : variants)
      out.emplace_back(name, m);
  }
  return out;
}

}  // namespace troupe::storage
