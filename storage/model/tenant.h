// Tenants with a meaning of their own. Users' data are in the tenant "".
#pragma once

#include <string_view>

namespace troupe {

/// Holds what the node writes to check itself (pipeline/audit); no query of a user sees it.
inline constexpr std::string_view audit_tenant = "troupe.audit";

}  // namespace troupe
