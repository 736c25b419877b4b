// What this node itself adds to the global view, as a read door over what it has. Any thread; a
// querier is owned by one.
#pragma once

#include "storage/querier.h"

#include <memory>
#include <string>
#include <vector>

namespace troupe::global {

/// Which of the series that lie here.
struct share {
  std::string own;                  ///< this node's region, which its series get; "": it has none
  std::vector<std::string> others;  ///< regions whose series here are left out
  std::string only;                 ///< if it is not empty: nothing but the series of this region
};

/// `local` with these series alone.
std::unique_ptr<storage::querier> share_of(std::unique_ptr<storage::querier> local, share which,
                                           timestamp_ms mint, timestamp_ms maxt);

class local_share final : public storage::queryable {
 public:
  /// Outlived by `local`.
  local_share(storage::queryable& local, share which) : local_(local), which_(std::move(which)) {}

  result<std::unique_ptr<storage::querier>> open(std::string_view tenant, timestamp_ms mint,
                                                 timestamp_ms maxt) override;
  result<std::vector<storage::exemplar_series>> exemplars(
      std::string_view tenant, timestamp_ms mint, timestamp_ms maxt,
      std::span<const matchers> selectors) override {
    return local_.exemplars(tenant, mint, maxt, selectors);
  }
  std::vector<std::pair<std::string, metadata>> metadata_of(std::string_view tenant,
                                                            std::string_view family,
                                                            size_t limit) override {
    return local_.metadata_of(tenant, family, limit);
  }

 private:
  storage::queryable& local_;
  const share which_;
};

}  // namespace troupe::global
