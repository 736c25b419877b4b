#include "query/parser/selectors.h"

namespace troupe::query {
namespace {

void collect(const expr& e, std::vector<const vector_selector*>& out) {
  if (e.kind == node_kind::vector_selector)
    out.push_back(&as<vector_selector>(e));
  for (const expr* child : children(e))
    collect(*child, out);
}

}  // namespace

std::vector<const vector_selector*> selectors_in(const expr& e) {
  std::vector<const vector_selector*> out;
  collect(e, out);
  return out;
}

}  // namespace troupe::query
