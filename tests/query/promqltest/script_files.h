// Prometheus' own PromQL scripts, in a folder beside the source tree.
#pragma once

#include "query/promqltest/script.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace troupe::query {

/// Empty if there is no such folder.
inline std::vector<std::filesystem::path> script_files() {
  std::vector<std::filesystem::path> files;
  std::error_code ec;
  const auto folder = std::filesystem::path(TROUPE_SOURCE_DIR) / ".." / "shared" / "promqltest";
  for (const auto& entry : std::filesystem::directory_iterator(folder, ec))
    if (entry.path().extension() == ".test")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

inline result<script> read_script(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(in), {}};
  return parse_script(file.filename().string(), content);
}

}  // namespace troupe::query
