#include "pipeline/topics/series_tables.h"

#include "storage/model/slot.h"

namespace troupe::topics {
namespace {

constexpr size_t max_batch_samples = 256u << 10;

uint32_t short_hash(const labels& l) {
  return static_cast<uint32_t>(l.hash() >> 32);
}

}  // namespace

uint32_t kept_table::position_of(const labels& wanted) {
  const auto position = [](uint32_t ref) { return ref - 1; };
  const uint32_t hash = short_hash(wanted);
  const uint32_t known =
      by_labels_.find(hash, [&](uint32_t ref) { return series(position(ref)) == wanted; });
  if (known != ref_table::none)
    return position(known);
  added_.push_back(wanted.packed());
  added_slots_.push_back(slot_of(tenant_, wanted));
  const auto ref = static_cast<uint32_t>(size());
  by_labels_.insert(ref, hash, [&](uint32_t r) { return short_hash(series(position(r))); });
  return position(ref);
}

const series_table_ptr& kept_table::current() {
  if (!added_.empty())
    table_ = extend_series_table(table_.get(), std::exchange(added_, {}),
                                 std::exchange(added_slots_, {}));
  return table_;
}

uint64_t kept_table::memory_bytes() const {
  return sizeof *this + by_labels_.memory_bytes() + added_.capacity() * sizeof(labels) +
         (table_ ? table_->memory_bytes() : 0);
}

// --- all tables ---

kept_table_ptr table_book::find_or_make(std::string_view tenant, uint64_t group) {
  auto& known = tables_[key{std::string(tenant), group}];
  auto t = known.lock();
  if (!t) {
    t = std::make_shared<kept_table>(tenant, group);
    known = t;
  }
  return t;
}

void table_book::retire(const kept_table& t) {
  const auto at = tables_.find(key{t.tenant(), t.group()});
  if (at != tables_.end() && at->second.lock().get() == &t)
    tables_.erase(at);
}

void table_book::sweep() {
  std::erase_if(tables_, [](const auto& entry) { return entry.second.expired(); });
}

uint64_t table_book::memory_bytes() const {
  uint64_t out = 0;
  for (const auto& [key, held] : tables_)
    if (const auto t = held.lock())
      out += t->memory_bytes();
  return out;
}

// --- batches ---

write_batch& batch_list::batch_of(const kept_table_ptr& table) {
  const auto [at, is_new] = last_.try_emplace(table.get(), open_.size());
  if (!is_new && open_[at->second].batch->sample_count() < max_batch_samples)
    return *open_[at->second].batch;
  at->second = open_.size();
  auto batch = std::make_shared<write_batch>();
  batch->tenant = table->tenant();
  batch->group = table->group();
  batch->taken_over = true;
  open_.push_back({table, batch});
  return *batch;
}

std::vector<batch_ptr> batch_list::take() {
  std::vector<batch_ptr> out;
  out.reserve(open_.size());
  for (auto& [table, batch] : open_) {
    if (batch->sample_count() == 0 && batch->exemplars.empty() && batch->metadata.empty())
      continue;
    batch->table = table->current();
    out.push_back(std::move(batch));
  }
  open_.clear();
  last_.clear();
  return out;
}

}  // namespace troupe::topics
