// Tree → text: one line, pretty, and the JSON of /api/v1/parse_query. Pure, any thread.
#pragma once

#include "query/parser/ast.h"

#include <string>
#include <string_view>

namespace troupe::query {

/// The canonical text of an expression on one line; parses to an equal tree.
std::string to_string(const expr& e);

/// As /api/v1/format_query: parts longer than 100 columns are split over indented lines.
std::string prettify(const expr& e);

/// Appends the tree as the JSON object of /api/v1/parse_query; keys in alphabetical order.
void append_json(std::string& out, const expr& e);

/// Appends `text` as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace troupe::query
