// Template text → trees, with Go's error messages ("template: NAME:LINE: …"). Pure, any thread.
#pragma once

#include "pipeline/template/node.h"
#include "storage/base/result.h"

#include <string>
#include <string_view>

namespace troupe::templates {

/// Actions and parentheses inside of each other.
inline constexpr int max_nesting = 100;
inline constexpr size_t max_template_bytes = 1 << 20;

/// All templates of `text`, the outermost under `name`. invalid_argument, or resource_exhausted
/// beyond the limits above.
result<tree_set> parse_trees(std::string_view name, std::string_view text);

}  // namespace troupe::templates
