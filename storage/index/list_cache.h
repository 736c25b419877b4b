// Answers of an index that are worth keeping: lists of numbers by text, each with the epoch of what
// it was made from. Bounded in bytes, least recently used goes first. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::storage {

class list_cache {
 public:
  using value = std::shared_ptr<const std::vector<uint32_t>>;

  /// Null if it is not there or of another epoch.
  value find(std::string_view key, uint64_t epoch);
  /// Keeps `list` within `max_bytes` of everything kept; one that is larger alone is not kept.
  void put(std::string key, uint64_t epoch, value list, size_t max_bytes);
  size_t memory_bytes() const;

 private:
  struct entry {
    std::string key;
    uint64_t epoch;
    value list;
    size_t bytes() const { return key.size() + list->size() * sizeof(uint32_t) + overhead; }
  };
  static constexpr size_t overhead = 200;
  void drop(std::list<entry>::iterator e);

  mutable std::mutex mutex_;
  // All guarded by mutex_. Most recently used first; the index refers to the keys in the list.
  std::list<entry> entries_;
  std::unordered_map<std::string_view, std::list<entry>::iterator> by_key_;
  size_t bytes_ = 0;
};

}  // namespace troupe::storage
