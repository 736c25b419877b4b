// What a request reads: what this node has, or the global view with its regions. Owned by one
// request, used by its thread.
#pragma once

#include "pipeline/api/api.h"
#include "storage/querier.h"

#include <atomic>
#include <memory>
#include <string_view>

namespace troupe::query {
class part_evaluator;
struct query_result;
}  // namespace troupe::query
namespace troupe::global {
class query_view;
}

namespace troupe::api {

class query_source {
 public:
  /// By the parameters `regions` and `partial_response`; invalid_argument if they do not hold. It
  /// does not wait longer for others than `timeout_ms`, nor for a client that has gone.
  static result<query_source> of(const services& s, const http::request& r, int64_t timeout_ms);
  query_source(query_source&&) noexcept;
  ~query_source();

  storage::queryable& operator*() const { return *data_; }
  /// Who evaluates parts of the query elsewhere; may be null.
  query::part_evaluator* parts() const;
  /// Adds to the answer of a query up to `end` what is to be told about its sources.
  void tell(const services& s, std::string_view query_text, timestamp_ms end,
            query::query_result& q) const;

 private:
  query_source();

  std::unique_ptr<storage::queryable> own_;
  std::unique_ptr<global::query_view> view_;
  storage::queryable* data_ = nullptr;
};

}  // namespace troupe::api
