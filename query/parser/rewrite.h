// Copies of an expression that are to be evaluated elsewhere, from their text. Pure, any thread.
#pragma once

#include "query/parser/ast.h"
#include "storage/model/matcher.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <functional>

namespace troupe::query {

using matcher_rewrite = std::function<matchers(const matchers&)>;

/// A copy whose selectors have the matchers that `rewrite` makes of theirs. The second argument of
/// info() is no selector of series and stays. Its text can be parsed if at least one matcher of
/// each selector does not match the empty string.
expr_ptr with_matchers(const expr& e, const matcher_rewrite& rewrite);

/// What a text leaves to the query and the server that it is given to.
struct text_surroundings {
  timestamp_ms start = 0;
  timestamp_ms end = 0;
  int64_t default_subquery_step_ms = 0;
};

/// A copy that says all of it itself: `[1h:]` has its step, `@ start()` and `@ end()` are times,
/// durations that were computed (resolve_durations()) are plain.
expr_ptr self_contained(const expr& e, const text_surroundings& here);

}  // namespace troupe::query
