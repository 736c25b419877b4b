// The querier of a query_view: series as they are stored, and names and values, of this node and of
// all regions asked. Owned by one query.
#pragma once

#include "pipeline/global/query_view.h"

#include <memory>
#include <set>

namespace troupe::global {

class global_querier final : public storage::querier {
 public:
  /// `local` is this node's share. Outlived by `view`.
  global_querier(query_view& view, std::unique_ptr<storage::querier> local, timestamp_ms mint,
                 timestamp_ms maxt)
      : view_(view), local_(std::move(local)), mint_(mint), maxt_(maxt) {}

  result<std::unique_ptr<storage::series_set>> select(const storage::select_hints& hints,
                                                      std::span<const matcher> ms) override;
  result<std::vector<std::string>> label_names(std::span<const matcher> ms, size_t limit) override;
  result<std::vector<std::string>> label_values(std::string_view name, std::span<const matcher> ms,
                                                size_t limit) override;
  std::vector<std::string> warnings() const override;

 private:
  using series_sets = std::vector<std::unique_ptr<storage::series_set>>;

  /// Samples by remote read, or the labels alone if that is what the hints are for.
  status ask_series(const storage::select_hints& hints, std::span<const matcher> ms,
                    series_sets& out);
  /// Names or values of this node, and of replicas of the regions that were lost.
  using look = std::function<result<std::vector<std::string>>(storage::querier& q)>;
  status add_local(const look& ask, std::set<std::string>& out);
  status add_replicas(const look& ask, std::set<std::string>& out);
  result<std::unique_ptr<storage::querier>> replicas(const region& of);

  query_view& view_;
  const std::unique_ptr<storage::querier> local_;
  std::vector<std::unique_ptr<storage::querier>> stand_ins_;  ///< that sets are read from
  const timestamp_ms mint_, maxt_;
};

}  // namespace troupe::global
