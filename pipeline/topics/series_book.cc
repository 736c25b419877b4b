#include "pipeline/topics/series_book.h"

#include "storage/model/slot.h"

#include <algorithm>
#include <array>

namespace troupe::topics {
namespace {

/// What series of a family have behind its name.
constexpr std::array<std::string_view, 7> suffixes{"",         "_bucket", "_count", "_sum",
                                                   "_created", "_total",  "_info"};

}  // namespace

series_book::series_book(send::series_rules_ptr rules, uint32_t partitions, uint32_t shards)
    : rules_(std::move(rules)), partitions_(partitions), known_(shards) {}

void series_book::begin(uint32_t shard, const storage::wal_batch& batch) {
  batch_ = &batch;
  shard_ = shard;
  sender_ = &senders_[{batch.group, std::string(batch.tenant)}];
  table_ = nullptr;
  auto& all = known_[shard];
  const size_t before = all.capacity();
  if (all.size() < batch.dictionary->size())
    all.resize(batch.dictionary->size());
  memory_ += (all.capacity() - before) * sizeof(known);
}

series_book::known& series_book::known_of(uint32_t series) {
  known& k = known_[shard_][series];
  const labels& in = batch_->series(series).lset;
  if (k.from.same_object(in))
    return k;
  k = {in, {}, 0, 0, 0, batch_->slot};
  if (rules_->keeps_all_as_is()) {
    k.to = in;
  } else {
    k.to = rules_->apply(in).packed();
    if (k.to != in)
      k.slot = slot_of(batch_->tenant, k.to);
  }
  k.partition = k.slot % partitions_;
  if (!k.to.empty() && !rules_->selectors.empty())
    names_.emplace(k.to.metric_name());
  return k;
}

series_book::growing_table& series_book::table_of(uint32_t partition) {
  if (table_ == nullptr || table_partition_ != partition) {
    table_ = &(*sender_)[partition];
    table_partition_ = partition;
    if (table_->number == 0)
      table_->number = next_number_++;
  }
  return *table_;
}

bool series_book::find(uint32_t series, destined& to) {
  known& k = known_of(series);
  if (k.to.empty())
    return false;
  growing_table& t = table_of(k.partition);
  to.new_bytes = 0;
  if (k.table != t.number) {
    k.table = t.number;
    k.position = t.size();
    t.added.push_back(k.to);
    t.added_slots.push_back(k.slot);
    to.new_bytes = static_cast<uint32_t>(k.to.blob_size());
    memory_ += sizeof(labels);
  }
  to.partition = k.partition;
  to.position = k.position;
  return true;
}

series_table_ptr series_book::table(uint32_t partition) {
  growing_table& t = table_of(partition);
  if (!t.added.empty()) {
    t.made = extend_series_table(t.made.get(), std::move(t.added), std::move(t.added_slots));
    t.added.clear();
    t.added_slots.clear();
  }
  return t.made;
}

bool series_book::wants_family(std::string_view family) const {
  return rules_->selectors.empty() ||
         std::any_of(suffixes.begin(), suffixes.end(), [&](std::string_view suffix) {
           return names_.contains(std::string(family) + std::string(suffix));
         });
}

void series_book::forget(uint32_t partition) {
  sender_ = nullptr;
  table_ = nullptr;
  for (auto at = senders_.begin(); at != senders_.end();) {
    if (const auto t = at->second.find(partition); t != at->second.end()) {
      memory_ -= t->second.size() * sizeof(labels);
      at->second.erase(t);
    }
    at = at->second.empty() ? senders_.erase(at) : std::next(at);
  }
}

}  // namespace troupe::topics
