// Parts of queries as texts for the regions that evaluate them. Pure.
#pragma once

#include "query/parser/ast.h"

#include <optional>
#include <string>

namespace troupe::global {

/// What `part` (query_part::root) is for a server that has the region's own series: the selectors
/// ask for those, and series that have no region there get its name where that matters. Nothing if
/// no selector means any of them.
std::optional<std::string> text_for(const query::expr& part, const std::string& region);

}  // namespace troupe::global
