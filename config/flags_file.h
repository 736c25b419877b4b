// The flags in --troupe.config.file.
#pragma once

#include "config/flag_table.h"
#include "storage/base/file_system.h"
#include "storage/base/result.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

/// What was given for the flags, by name.
using given_values = std::map<std::string_view, std::vector<std::string>>;
/// Says whether a text is a value of that flag.
using flag_check = std::function<status(const flag_spec&, const std::string& text)>;

/// Adds what the file sets and `given` has not. All errors, each with its position.
status read_troupe_file(const std::string& path, file_system& fs, const flag_check& check,
                        given_values& given);

}  // namespace troupe::config
