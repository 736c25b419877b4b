// Parts of an expression that others evaluate, where the series are: a query over several places
// whose series differ in one label at least (regions).
#pragma once

#include "query/engine/value.h"
#include "query/parser/ast.h"
#include "storage/base/result.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace troupe::query {

/// A part of a query, with the query's own times: it gives an instant vector at every step. The
/// text of `root` says all by itself (self_contained() of parser/rewrite.h). What is the same at
/// every step is asked for at one time.
struct query_part {
  const expr& root;
  timestamp_ms start = 0;
  timestamp_ms end = 0;
  int64_t step_ms = 0;  ///< 0: at `start` alone
  int64_t lookback_ms = 0;
};

/// Who evaluates parts. Owned by one query, used by its thread.
class part_evaluator {
 public:
  virtual ~part_evaluator() = default;
  /// No two places have a series with the same value of this label, "" for its absence.
  virtual std::string_view parting_label() const = 0;
  /// What `part` gives at each of the places, series in any order; nothing if the engine is to read
  /// the series and evaluate it itself. Errors end the query.
  virtual result<std::optional<std::vector<matrix_value>>> evaluate(const query_part& part) = 0;
};

}  // namespace troupe::query
