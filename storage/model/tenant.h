// Tenants with a meaning of their own. Users' data are in the tenant "".
#pragma once

#include <string_view>

namespace troupe {

/// Holds what the node writes to check itself (pipeline/audit); no query of a user sees it.
inline constexpr std::string_view audit_tenant = "troupe.audit";
/// Holds what rule groups have evaluated (pipeline/rules); no query of a user sees it.
inline constexpr std::string_view rules_tenant = "troupe.rules";

/// Not a tenant of users: what it holds counts in no statistics of theirs.
constexpr bool is_own_tenant(std::string_view name) {
  return name == audit_tenant || name == rules_tenant;
}

}  // namespace troupe
