// Query text → tokens, comments and spaces left out. Pure, any thread.
#pragma once

#include "query/parser/token.h"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::query {

/// The tokens of a query. The last one is `eof` or `error`; views point into the query text and
/// into `message`.
struct token_list {
  std::vector<token> tokens;
  std::string message;  ///< of the error token, if any
};

/// Scans all of `text` into `out`. Stops at the first character that starts no token.
void scan(std::string_view text, token_list& out);

/// Go's Unquote for '…', "…" and `…` as the lexer accepts them. False for an escape that is none.
bool unquote(std::string_view quoted, std::string& out);

}  // namespace troupe::query
