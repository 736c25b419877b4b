// The selectors of an expression. Pure.
#pragma once

#include "query/parser/ast.h"

#include <vector>

namespace troupe::query {

/// Every vector selector in the tree; valid as long as `e`.
std::vector<const vector_selector*> selectors_in(const expr& e);

}  // namespace troupe::query
