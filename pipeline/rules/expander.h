// The doors of a rule group: where it reads, and what expands the templates of its alerts. Both are
// the owner's; called on the thread that evaluates.
#pragma once

#include "pipeline/rules/definition.h"
#include "query/engine/shared_calls.h"
#include "query/engine/value.h"
#include "query/parser/ast.h"
#include "storage/base/result.h"
#include "storage/model/labels.h"

#include <string>
#include <string_view>

namespace troupe::rules {

/// Evaluates expressions.
class query_door {
 public:
  virtual ~query_door() = default;
  /// The vector of an expression at `at`; of a scalar one element without labels. Any other type is
  /// a failure (execution: "rule result is not a vector or scalar"). `shared`: what it may share
  /// with the other expressions of that instant.
  virtual result<query::vector_value> evaluate(const query::expr& parsed, std::string_view text,
                                               timestamp_ms at, query::shared_calls& shared) = 0;
  /// The same for a text (the template function `query`).
  virtual result<query::vector_value> evaluate(std::string_view text, timestamp_ms at) = 0;
};

/// What a template of an alert can name.
struct template_scope {
  std::string_view alert;                ///< its name, for error messages
  const query::vector_element& element;  ///< $labels and $value
  timestamp_ms instant = 0;              ///< of the evaluation; `query` reads here
  const text_map& external_labels;
  std::string_view external_url;
};

/// The template language (Prometheus' Go templates).
class template_expander {
 public:
  virtual ~template_expander() = default;
  /// The expanded text; `queries` serves the template function `query`.
  virtual result<std::string> expand(std::string_view text, const template_scope& scope,
                                     query_door& queries) const = 0;
  /// Does the text parse?
  virtual status check(std::string_view text, std::string_view alert) const = 0;
};

}  // namespace troupe::rules
