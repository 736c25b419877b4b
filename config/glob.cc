#include "config/glob.h"

#include "config/defaults.h"
#include "config/text.h"

#include <algorithm>

namespace troupe::config {
namespace {

// One element of a pattern that consumes one character; `p` is moved behind it.
bool match_one(std::string_view pattern, size_t& p, char c) {
  if (pattern[p] == '?') {
    ++p;
    return true;
  }
  if (pattern[p] == '\\' && p + 1 < pattern.size())
    ++p;
  else if (pattern[p] == '[') {
    const auto end = pattern.find(']', p + 2);
    if (end == std::string_view::npos)
      return pattern[p++] == c;
    auto set = pattern.substr(p + 1, end - p - 1);
    p = end + 1;
    const bool negated = set.front() == '^';
    set.remove_prefix(negated ? 1 : 0);
    bool inside = false;
    for (size_t i = 0; i < set.size(); ++i) {
      const bool range = i + 2 < set.size() && set[i + 1] == '-';
      inside = inside || (range ? c >= set[i] && c <= set[i + 2] : c == set[i]);
      i += range ? 2 : 0;
    }
    return inside != negated;
  }
  return pattern[p++] == c;
}

}  // namespace

bool has_glob(std::string_view path) {
  return path.find_first_of("*?[\\") != std::string_view::npos;
}

bool matches_glob(std::string_view pattern, std::string_view name) {
  // The usual two-pointer walk: on a mismatch the last star swallows one character more.
  size_t p = 0, n = 0;
  size_t star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      resume = n;
      continue;
    }
    if (p < pattern.size() && match_one(pattern, p, name[n])) {
      ++n;
      continue;
    }
    if (star == std::string_view::npos)
      return false;
    p = star;
    n = ++resume;
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

result<std::vector<std::string>> glob(file_system& fs, const std::string& pattern) {
  std::vector<std::string> found;
  if (!has_glob(pattern)) {
    if (fs.exists(pattern))
      found.push_back(pattern);
    return found;
  }
  const auto slash = pattern.rfind('/');
  const auto last = slash == std::string::npos ? std::string_view(pattern)
                                               : std::string_view(pattern).substr(slash + 1);
  std::vector<std::string> folders{folder_of(pattern)};
  if (has_glob(folders.front())) {
    TROUPE_ASSIGN(folders, glob(fs, folders.front()));
  }
  for (const auto& folder : folders) {
    const auto entries = fs.list(folder);
    if (!entries.ok())
      continue;
    for (const auto& e : *entries) {
      if (!matches_glob(last, e.name))
        continue;
      found.push_back(slash == std::string::npos ? e.name : join_path(folder, e.name));
      if (found.size() > defaults::max_glob_matches)
        return {errc::resource_exhausted, "pattern " + pattern + " matches more than " +
                                              std::to_string(defaults::max_glob_matches) +
                                              " files"};
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace troupe::config
