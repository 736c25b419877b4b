// What a shard remembers of the series tables of its writers, by tenant and group: a known table
// costs one look-up for the whole batch. Bounded, least recently used goes first. Not thread-safe:
// the shard's writer lock guards it.
#pragma once

#include "storage/head/head.h"
#include "storage/model/batch.h"

#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

namespace troupe::storage {

/// A table as one shard sees it.
struct table_refs {
  series_table_ptr table;
  /// Per position the series, null: not known yet. Valid for this generation of the head.
  std::vector<head_series*> refs;
  uint64_t generation = 0;
  /// No series was missing when all were last looked up, in this generation.
  bool complete = false;
  /// Per position the first position with equal labels; empty: all differ.
  std::vector<uint32_t> canonical;

  uint32_t canonical_of(uint32_t position) const {
    return canonical.empty() ? position : canonical[position];
  }
};
using table_refs_ptr = std::shared_ptr<table_refs>;

class table_cache {
 public:
  explicit table_cache(size_t capacity = 65536) : capacity_(capacity) {}

  /// The entry of the group's table, made new if the group came with another one before.
  table_refs_ptr get(const head_tenant& tenant, uint64_t group, const series_table_ptr& table);
  /// Drops what was not used since the last call.
  void drop_idle();
  size_t size() const { return by_key_.size(); }

 private:
  struct key {
    const head_tenant* tenant;
    uint64_t group;
    bool operator==(const key&) const = default;
  };
  struct key_hash {
    size_t operator()(const key& k) const {
      return k.group * 0x9e3779b97f4a7c15ULL ^ reinterpret_cast<uintptr_t>(k.tenant);
    }
  };
  struct entry {
    key at;
    table_refs_ptr refs;
    bool used = true;
  };
  using entry_list = std::list<entry>;

  const size_t capacity_;
  entry_list entries_;  ///< most recently used first
  std::unordered_map<key, entry_list::iterator, key_hash> by_key_;
};

}  // namespace troupe::storage
