// Small texts of configuration: sizes, masked URLs, joined paths, names. Pure functions.
#pragma once

#include "storage/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::config {

/// What a secret prints as.
inline constexpr std::string_view secret_mark = "<secret>";

/// "512MB", "1.5GiB", "1GB512MB", "0": powers of 1024 with or without the i; a unit is needed
/// unless it is 0.
result<uint64_t> parse_bytes(std::string_view text);
/// The largest units that leave nothing over: "64MiB", "1KiB512B", "0B".
std::string format_bytes(uint64_t bytes);

/// The URL with its user information and the values of its query replaced by xxxxx.
std::string mask_url(std::string_view url);
/// ok if it is "http://host…" or "https://host…" without control characters or spaces.
status check_url(std::string_view url);

/// `path` itself if it is absolute or empty, else joined with `folder` and cleaned of "." and "..".
std::string join_folder(std::string_view folder, std::string_view path);
/// The folder of a file's path; "." if it has none.
std::string folder_of(std::string_view path);

/// [a-zA-Z_][a-zA-Z0-9_]*
bool is_legacy_label_name(std::string_view name);
/// [a-zA-Z_:][a-zA-Z0-9_:]*
bool is_legacy_metric_name(std::string_view name);
/// A label name: by the legacy rule, or any non-empty UTF-8.
bool is_label_name(std::string_view name, bool utf8);

std::string lower(std::string_view text);

}  // namespace troupe::config
