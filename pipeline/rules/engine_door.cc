#include "pipeline/rules/engine_door.h"

#include "query/parser/parser.h"

#include <utility>

namespace troupe::rules {

result<query::vector_value> engine_door::evaluate(const query::expr& parsed, std::string_view text,
                                                  timestamp_ms at,
                                                  const query::query_overrides& overrides) {
  TROUPE_ASSIGN(query::query_result found,
                engine_.instant(data_, tenant_, parsed, text, at, overrides));
  if (auto* vector = std::get_if<query::vector_value>(&found.value))
    return std::move(*vector);
  if (const auto* scalar = std::get_if<query::scalar_value>(&found.value))
    return query::vector_value{{labels(), scalar->ts, scalar->value, nullptr}};
  return {errc::execution, "rule result is not a vector or scalar"};
}

result<query::vector_value> engine_door::evaluate(const query::expr& parsed, std::string_view text,
                                                  timestamp_ms at, query::shared_calls& shared) {
  query::query_overrides overrides = overrides_;
  overrides.shared = &shared;
  return evaluate(parsed, text, at, overrides);
}

result<query::vector_value> engine_door::evaluate(std::string_view text, timestamp_ms at) {
  TROUPE_ASSIGN(const query::expr_ptr parsed, query::parse(text, engine_.options().parse));
  return evaluate(*parsed, text, at, overrides_);
}

}  // namespace troupe::rules
