#include "pipeline/discover/file_sd.h"

#include "pipeline/discover/target_groups.h"

#include <fnmatch.h>

#include <algorithm>

namespace troupe::discover {
namespace {

constexpr uint64_t max_file_bytes = 64ULL << 20;

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos)
    return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}
std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

bool is_pattern(const std::string& name) {
  return name.find_first_of("*?[") != std::string::npos;
}

bool ends_with_fold(const std::string& text, std::string_view lower) {
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.end() - static_cast<ptrdiff_t>(lower.size()),
                    [](char l, char c) { return l == (c >= 'A' && c <= 'Z' ? c + 32 : c); });
}

}  // namespace

file_sd::file_sd(config::file_sd_config config, file_system& files)
    : config_(std::move(config)), files_(&files) {}

std::vector<std::string> file_sd::folders() const {
  std::vector<std::string> out;
  for (const auto& path : config_.files)
    out.push_back(folder_of(path));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::vector<std::string> file_sd::list() const {
  std::vector<std::string> out;
  for (const auto& path : config_.files) {
    const auto pattern = name_of(path);
    if (!is_pattern(pattern)) {
      if (files_->exists(path))
        out.push_back(path);
      continue;
    }
    const auto entries = files_->list(folder_of(path));
    if (!entries.ok())
      continue;
    const auto prefix = path.substr(0, path.size() - pattern.size());
    for (const auto& entry : *entries)
      if (!entry.is_directory && fnmatch(pattern.c_str(), entry.name.c_str(), 0) == 0)
        out.push_back(prefix + entry.name);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool file_sd::refresh() {
  const auto paths = list();
  bool changed = std::erase_if(by_path_, [&](const auto& entry) {
                   return !std::binary_search(paths.begin(), paths.end(), entry.first);
                 }) > 0;
  for (const auto& path : paths)
    changed = read(path, by_path_[path]) || changed;
  return changed;
}

bool file_sd::read(const std::string& path, file& into) {
  auto content = read_file(*files_, path, max_file_bytes);
  if (!content.ok()) {
    into.error = content.error().message();
    return false;
  }
  if (into.error.empty() && *content == into.content && !into.content.empty())
    return false;
  auto groups = parse(path, *content);
  if (!groups.ok()) {
    into.error = groups.error().message();
    return false;
  }
  for (auto& group : *groups)
    group.labels["__meta_filepath"] = path;
  into.error.clear();
  into.content = std::move(*content);
  if (into.groups == *groups)
    return false;
  into.groups = std::move(*groups);
  return true;
}

result<std::vector<config::target_group>> file_sd::parse(const std::string& path,
                                                         std::string_view content) const {
  if (ends_with_fold(path, ".json"))
    return parse_json_groups(content);
  if (ends_with_fold(path, ".yml") || ends_with_fold(path, ".yaml"))
    return parse_yaml_groups(content);
  return {errc::invalid_argument, "file name must end in .json, .yml or .yaml"};
}

std::vector<config::target_group> file_sd::groups() const {
  std::vector<config::target_group> out;
  for (const auto& [path, f] : by_path_)
    out.insert(out.end(), f.groups.begin(), f.groups.end());
  return out;
}

std::vector<std::string> file_sd::errors() const {
  std::vector<std::string> out;
  for (const auto& [path, f] : by_path_)
    if (!f.error.empty())
      out.push_back(path + ": " + f.error);
  return out;
}

}  // namespace troupe::discover
