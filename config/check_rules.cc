#include "config/check_rules.h"

#include "config/defaults.h"

#include <algorithm>
#include <map>

namespace troupe::config {
namespace {

constexpr int lint_exit_code = 3;

// Names and labels that several rules of a file give to their results.
std::string repeated_rules(const std::vector<rule_group_config>& groups) {
  std::map<std::pair<std::string, std::map<std::string, std::string>>, size_t> seen;
  for (const auto& g : groups)
    for (const auto& r : g.rules) {
      auto labels = r.labels;
      labels.insert(g.labels.begin(), g.labels.end());
      ++seen[{r.alert.empty() ? r.record : r.alert, std::move(labels)}];
    }
  std::string lines;
  size_t found = 0;
  for (const auto& [rule, times] : seen) {
    if (times < 2)
      continue;
    ++found;
    lines += "Metric: " + rule.first + "\nLabel(s):\n";
    for (const auto& [name, value] : rule.second)
      lines += "\t" + name + ": " + value + "\n";
  }
  if (found == 0)
    return {};
  return "lint error " + std::to_string(found) + " duplicate rule(s) found.\n" + lines +
         "Might cause inconsistency while recording expressions\n";
}

enum class verdict : unsigned char { good, repeats, bad };

verdict check_one(const std::string& file, bool lint, file_system& fs, const load_options& options,
                  std::string& out, std::string& err) {
  out += "Checking " + file + "\n";
  const auto text = read_file(fs, file, defaults::max_file_bytes);
  if (!text.ok()) {
    err += "  FAILED:\n" + std::string(text.error().message()) + "\n";
    return verdict::bad;
  }
  diagnostics errors;
  const auto groups = parse_rule_file(*text, file, true, options, errors);
  if (!errors.empty()) {
    err += "  FAILED:\n";
    for (const auto& e : errors)
      err += e.to_string() + "\n";
    return verdict::bad;
  }
  if (const auto repeats = lint ? repeated_rules(groups) : std::string(); !repeats.empty()) {
    err += "  FAILED:\n" + repeats;
    return verdict::repeats;
  }
  size_t rules = 0;
  for (const auto& g : groups)
    rules += g.rules.size();
  out += "  SUCCESS: " + std::to_string(rules) + " rules found\n\n";
  return verdict::good;
}

}  // namespace

int check_rule_files(const check_rules_command& what, file_system& fs, const load_options& options,
                     std::string& out, std::string& err) {
  auto worst = verdict::good;
  for (const auto& f : what.files)
    worst = std::max(worst, check_one(f, what.lint, fs, options, out, err));
  if (worst == verdict::bad)
    return 1;
  return worst == verdict::repeats && what.lint_fatal ? lint_exit_code : 0;
}

}  // namespace troupe::config
