// PromQL text → checked tree. Pure functions, any thread.
#pragma once

#include "query/parser/ast.h"
#include "storage/base/result.h"

#include <cstdint>
#include <string_view>

namespace troupe::query {

struct parse_options {
  bool enable_experimental_functions = false;
  bool enable_extended_range_selectors = false;  ///< anchored, smoothed
  bool enable_binop_fill_modifiers = false;      ///< fill, fill_left, fill_right
  bool enable_duration_expressions = true;
  uint32_t max_query_bytes = 64 * 1024;
  uint32_t max_nodes = 10'000;
  uint32_t max_depth =
      250;  ///< height of the tree and nesting of parentheses, checked before recursing
  static parse_options everything() {
    parse_options o;
    o.enable_experimental_functions = true;
    o.enable_extended_range_selectors = true;
    o.enable_binop_fill_modifiers = true;
    return o;
  }
};

/// One expression, type-checked, constant durations folded. Errors are invalid_argument with
/// Prometheus' text and position (`1:5: parse error: unexpected …`, line:column in bytes, from 1);
/// resource_exhausted for the three limits.
result<expr_ptr> parse(std::string_view text, const parse_options& options = {});

/// A lone selector such as `up{job="a"}` (series, federate, match[]): its matchers. At least one
/// must not match the empty string.
result<matchers> parse_metric_selector(std::string_view text);

/// The labels of `name{a="b"}` with = only, as in promqltest and rule files. With `consumed`: the
/// number of bytes they take at the start of `text`; else nothing but them may be there.
result<labels> parse_series_labels(std::string_view text, size_t* consumed = nullptr);

/// Resolves duration expressions against a query: fills range_ms, step_ms and offset_ms wherever
/// the tree has a range_expr, step_expr or offset_expr. `range_ms` is end - start of the query.
/// Fails where a range or step is not positive, or a value out of bounds. Call it on a clone if the
/// tree is kept. A tree without such nodes is unchanged.
status resolve_durations(expr& root, int64_t step_ms, int64_t range_ms);

}  // namespace troupe::query
