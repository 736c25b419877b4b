// What tells these data from those of another node, or of this one before its folder was replaced.
#pragma once

#include "storage/base/file_system.h"

#include <cstdint>
#include <string>

namespace troupe::federate {

/// Reads it from <folder>/node_id; makes folder, file and id, from `seed`, if they are missing or
/// damaged. Where that fails, too, it holds for this run alone: for others the node is a new one.
uint64_t node_id(file_system& fs, const std::string& folder, uint64_t seed);
/// 16 hexadecimal digits.
std::string id_text(uint64_t id);

}  // namespace troupe::federate
