// The regions that queries of this node show beside its own series. Thread-safe; what it gives out
// waits for answers, so that only threads that may wait use it.
#pragma once

#include "config/own_config.h"
#include "pipeline/global/query_view.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::global {

/// All must outlive the global view.
struct global_environment {
  region_environment regions;
  const query::engine* engine = nullptr;
  const ingest::watermarks* watermarks = nullptr;  ///< may be null
  std::function<std::string(std::string_view)> compress;
  /// What this node has, for one query that ends after so long or by `cancel`.
  std::function<std::unique_ptr<storage::queryable>(int64_t timeout_ms,
                                                    const std::atomic<bool>* cancel)>
      local;
};

/// What a request wants of the view.
struct view_wish {
  /// Regions by name, "local" for this node; nothing: all.
  std::optional<std::vector<std::string>> regions;
  bool partial = false;  ///< without those that do not answer, rather than not at all
  int64_t timeout_ms = 0;
  const std::atomic<bool>* cancel = nullptr;  ///< outlives the view; may be null
};

class global_view {
 public:
  explicit global_view(global_environment env);

  /// The regions of a configuration; those whose block did not change stay as they are.
  /// invalid_argument if client settings do not hold.
  result<std::vector<region_ptr>> regions_of(const config::own_config& c) const;
  /// From here on; queries that run go on with what was before. `own` is this node's region.
  void set_regions(std::vector<region_ptr> regions, std::string own);

  /// There is no region to be asked: who would see the view sees this node alone.
  bool empty() const;
  /// invalid_argument for a name that no region has. Outlived by this.
  result<std::unique_ptr<query_view>> for_query(const view_wish& wish) const;
  std::vector<region_state> states() const;

 private:
  struct members {
    std::vector<region_ptr> regions;
    std::string own;
  };
  std::shared_ptr<const members> all() const { return std::atomic_load(&members_); }

  const global_environment env_;
  view_environment views_;
  std::shared_ptr<const members> members_;  ///< never null; by atomic access only
};

}  // namespace troupe::global
