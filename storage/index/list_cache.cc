#include "storage/index/list_cache.h"

#include <utility>

namespace troupe::storage {

list_cache::value list_cache::find(std::string_view key, uint64_t epoch) {
  const std::lock_guard guard(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end())
    return nullptr;
  if (found->second->epoch != epoch) {
    drop(found->second);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->list;
}

void list_cache::put(std::string key, uint64_t epoch, value list, size_t max_bytes) {
  const std::lock_guard guard(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end())
    drop(found->second);
  entries_.push_front({std::move(key), epoch, std::move(list)});
  by_key_.emplace(entries_.front().key, entries_.begin());
  bytes_ += entries_.front().bytes();
  while (bytes_ > max_bytes && !entries_.empty())
    drop(std::prev(entries_.end()));
}

void list_cache::drop(std::list<entry>::iterator e) {
  bytes_ -= e->bytes();
  by_key_.erase(e->key);
  entries_.erase(e);
}

size_t list_cache::memory_bytes() const {
  const std::lock_guard guard(mutex_);
  return bytes_;
}

}  // namespace troupe::storage
