// Rules' queries by the engine over the storage. Any thread; holds references only.
#pragma once

#include "pipeline/rules/expander.h"
#include "query/engine/engine.h"
#include "storage/querier.h"

#include <string>

namespace troupe::rules {

class engine_door final : public query_door {
 public:
  /// All must outlive the door.
  engine_door(const query::engine& engine, storage::queryable& data, std::string tenant = {},
              query::query_overrides overrides = {})
      : engine_(engine), data_(data), tenant_(std::move(tenant)), overrides_(overrides) {}

  result<query::vector_value> evaluate(const query::expr& parsed, std::string_view text,
                                       timestamp_ms at, query::shared_calls& shared) override;
  result<query::vector_value> evaluate(std::string_view text, timestamp_ms at) override;

 private:
  result<query::vector_value> evaluate(const query::expr& parsed, std::string_view text,
                                       timestamp_ms at, const query::query_overrides& overrides);

  const query::engine& engine_;
  storage::queryable& data_;
  const std::string tenant_;
  const query::query_overrides overrides_;
};

}  // namespace troupe::rules
