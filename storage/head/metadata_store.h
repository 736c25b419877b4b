// What is known of metric families: type, unit and help per tenant and family name. Any thread (one
// mutex, held for one call). Bounded: a family keeps its latest variants, a head its first
// max_families families. Owned by the head.
#pragma once

#include "storage/model/batch.h"

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::storage {

class metadata_store {
 public:
  static constexpr size_t max_variants = 8;
  static constexpr size_t max_families = 200'000;

  /// A variant that is known already becomes the latest one.
  void add(std::string_view tenant, const metadata_entry& entry);
  bool contains(std::string_view tenant, const metadata_entry& entry) const;
  /// Of `family`, or of all if it is empty; by family name, latest variant first. limit: families,
  /// 0: all.
  std::vector<std::pair<std::string, metadata>> select(std::string_view tenant,
                                                       std::string_view family, size_t limit) const;

  /// Calls visit(tenant, entry) for all; add() in this order makes the same store.
  void for_each(const std::function<void(std::string_view, const metadata_entry&)>& visit) const;

 private:
  using families = std::map<std::string, std::vector<metadata>, std::less<>>;

  mutable std::mutex mutex_;
  // All guarded by mutex_.
  std::map<std::string, families, std::less<>> tenants_;
  size_t family_count_ = 0;
};

}  // namespace troupe::storage
