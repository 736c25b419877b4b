// Paths that match a shell pattern, as Go's filepath.Glob: *, ?, [a-z], [^a-z] and \x within one
// path segment.
#pragma once

#include "storage/base/file_system.h"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

/// Does a name (without '/') match one segment of a pattern? Linear in the name times the pattern.
bool matches_glob(std::string_view pattern, std::string_view name);
bool has_glob(std::string_view path);
/// Sorted. A pattern without wildcards gives itself if it exists. Folders that cannot be read match
/// nothing; resource_exhausted for more matches than defaults::max_glob_matches.
result<std::vector<std::string>> glob(file_system& fs, const std::string& pattern);

}  // namespace troupe::config
