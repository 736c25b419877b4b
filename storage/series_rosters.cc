#include "storage/series_rosters.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace troupe::storage {

/// A roster and where its series are.
struct head_roster final : series_roster {
  struct place {
    uint32_t shard = 0;
    uint32_t ref = 0;
  };
  /// References of one shard, ascending, and their positions.
  struct shard_refs {
    uint64_t version = 0;  ///< of the metric in the shard's index
    std::vector<uint32_t> refs, positions;
  };

  head_roster() = default;
  head_roster(const head_roster&) = delete;
  head_roster& operator=(const head_roster&) = delete;
  ~head_roster() {
    if (memory)
      memory->release(charged);
  }

  std::vector<place> places;  ///< of `series`
  std::vector<shard_refs> shards;
  memory_budget* memory = nullptr;
  uint64_t charged = 0;
};

namespace {

// A shard's part of a view. Without a tenant it has no series.
struct head_part {
  const head* from = nullptr;
  const head_tenant* tenant = nullptr;
  read_epochs::token hold;
  memory_index::metric_state state;
};

class head_family final : public series_family {
 public:
  head_family(std::vector<head_part> parts, std::shared_ptr<const head_roster> roster,
              read_epochs::token blocks)
      : blocks_(std::move(blocks)),
        parts_(std::move(parts)),
        places_(*roster),
        roster_(std::move(roster)) {}

  const series_roster_ptr& roster() const override { return roster_; }

  std::vector<uint32_t> find(std::span<const matcher> ms) const override {
    std::vector<uint32_t> out;
    for (size_t i = 0; i < parts_.size(); ++i) {
      if (parts_[i].tenant == nullptr)
        continue;
      const auto& known = places_.shards[i];
      auto at = known.refs.begin();
      for (const series_ref ref : parts_[i].tenant->index.select(ms)) {
        at = std::lower_bound(at, known.refs.end(), ref);
        if (at != known.refs.end() && *at == ref)
          out.push_back(known.positions[static_cast<size_t>(at - known.refs.begin())]);
      }
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  status read(uint32_t position, timestamp_ms mint, timestamp_ms maxt,
              sample_columns& out) override {
    const auto [shard, ref] = places_.places[position];
    const head_part& part = parts_[shard];
    const head_series* s = part.from->at(*part.tenant, ref);
    if (s == nullptr)
      return {};
    TROUPE_TRY(part.from->samples().snapshot(*s, mint, maxt, snapshot_));
    return snapshot_.read(mint, maxt, out);
  }

 private:
  const read_epochs::token blocks_;
  const std::vector<head_part> parts_;
  const head_roster& places_;
  const series_roster_ptr roster_;
  series_snapshot snapshot_;
};

struct found_series {
  labels lset;
  head_roster::place place;
};

// What there is now beside what there was: where series of `before` are still in place, and the
// others, by labels.
struct comparison {
  std::vector<bool> kept;  ///< by position in `before`
  std::vector<found_series> fresh;
};

comparison compare(const head_roster& before, std::span<const head_part> parts,
                   std::span<const matcher> name) {
  comparison out;
  out.kept.resize(before.series.size());
  for (uint32_t i = 0; i < parts.size(); ++i) {
    if (parts[i].tenant == nullptr)
      continue;
    const head_roster::shard_refs* known = i < before.shards.size() ? &before.shards[i] : nullptr;
    size_t at = 0;
    for (const series_ref ref : parts[i].tenant->index.select(name)) {
      while (known && at < known->refs.size() && known->refs[at] < ref)
        ++at;
      if (known && at < known->refs.size() && known->refs[at] == ref)
        out.kept[known->positions[at]] = true;
      else if (const head_series* s = parts[i].from->at(*parts[i].tenant, ref))
        out.fresh.push_back({s->lset(), {i, ref}});
    }
  }
  std::sort(out.fresh.begin(), out.fresh.end(),
            [](const auto& a, const auto& b) { return a.lset < b.lset; });
  return out;
}

void put(head_roster& out, const labels& lset, head_roster::place place) {
  out.series.push_back(lset);
  out.places.push_back(place);
}

// Old and new ones in the order of labels.
void merge(const head_roster& before, comparison& now, head_roster& out) {
  out.before = before.id;
  out.moved.assign(before.series.size(), series_roster::gone);
  out.series.reserve(before.series.size() + now.fresh.size());
  out.places.reserve(before.series.size() + now.fresh.size());
  auto fresh = now.fresh.begin();
  const auto put_fresh = [&] {
    out.added.push_back(static_cast<uint32_t>(out.series.size()));
    put(out, fresh->lset, fresh->place);
    ++fresh;
  };
  for (size_t i = 0; i < before.series.size(); ++i) {
    if (!now.kept[i])
      continue;
    while (fresh != now.fresh.end() && fresh->lset < before.series[i])
      put_fresh();
    out.moved[i] = static_cast<uint32_t>(out.series.size());
    put(out, before.series[i], before.places[i]);
  }
  while (fresh != now.fresh.end())
    put_fresh();
}

void index_places(std::span<const head_part> parts, head_roster& out) {
  out.shards.resize(parts.size());
  for (size_t i = 0; i < parts.size(); ++i)
    out.shards[i].version = parts[i].state.version;
  std::vector<uint32_t> order(out.places.size());
  for (uint32_t i = 0; i < order.size(); ++i)
    order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return out.places[a].ref < out.places[b].ref; });
  for (const uint32_t position : order) {
    auto& shard = out.shards[out.places[position].shard];
    shard.refs.push_back(out.places[position].ref);
    shard.positions.push_back(position);
  }
}

bool up_to_date(const head_roster& roster, std::span<const head_part> parts) {
  for (size_t i = 0; i < parts.size(); ++i)
    if (roster.shards[i].version != parts[i].state.version)
      return false;
  return true;
}

bool has_twins(const head_roster& roster) {
  return std::adjacent_find(roster.series.begin(), roster.series.end()) != roster.series.end();
}

uint64_t size_of(const head_roster& r) {
  return sizeof(r) + r.series.capacity() * sizeof(labels) +
         r.places.capacity() * (sizeof(head_roster::place) + 2 * sizeof(uint32_t)) +
         (r.moved.capacity() + r.added.capacity()) * sizeof(uint32_t);
}

}  // namespace

std::unique_ptr<series_family> series_rosters::open(const family_request& wanted,
                                                    read_epochs::token blocks) {
  const std::lock_guard guard(mutex_);
  std::vector<head_part> parts;
  size_t series = 0;
  for (const auto& s : shards_) {
    head_part& part = parts.emplace_back();
    part.from = &s->memory();
    part.tenant = part.from->find_tenant(wanted.tenant);
    if (part.tenant == nullptr)
      continue;
    // In this order: a series that the version counts can be read as long as the token is held.
    part.hold = part.from->hold();
    part.state = part.tenant->index.metric(wanted.metric);
    series += part.state.series;
  }
  if (series > wanted.max_series)
    return nullptr;
  auto& slot = rosters_[{std::string(wanted.tenant), std::string(wanted.metric)}];
  roster_ptr roster = slot.lock();
  if (!roster || !up_to_date(*roster, parts)) {
    const matchers name{matcher::equal(std::string(metric_name_label), std::string(wanted.metric))};
    const head_roster none;
    const head_roster& before = roster ? *roster : none;
    comparison now = compare(before, parts, name);
    auto made = std::make_shared<head_roster>();
    made->id = ++last_id_;
    merge(before, now, *made);
    index_places(parts, *made);
    const uint64_t bytes = size_of(*made);
    if (memory_ && !memory_->try_charge(bytes))
      return nullptr;
    made->memory = memory_;
    made->charged = bytes;
    // A series lives in one shard; who would have it twice is left to the merge of a querier.
    if (has_twins(*made))
      return nullptr;
    roster = std::move(made);
    slot = roster;
    std::erase_if(rosters_, [](const auto& r) { return r.second.expired(); });
  }
  return std::make_unique<head_family>(std::move(parts), std::move(roster), std::move(blocks));
}

}  // namespace troupe::storage
