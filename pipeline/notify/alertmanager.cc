#include "pipeline/notify/alertmanager.h"

#include "storage/base/quote.h"
#include "storage/model/labels.h"

#include <algorithm>
#include <vector>

namespace troupe::notify {
namespace {

constexpr std::string_view address_label = "__address__", scheme_label = "__scheme__";
constexpr std::string_view path_label = "__alerts_path__";

// Go's path.Join("/", prefix, "/api/VERSION/alerts").
std::string alerts_path(std::string_view prefix, std::string_view version) {
  std::vector<std::string_view> segments;
  while (!prefix.empty()) {
    const auto slash = std::min(prefix.find('/'), prefix.size());
    const auto segment = prefix.substr(0, slash);
    if (segment == ".." && !segments.empty())
      segments.pop_back();
    else if (!segment.empty() && segment != "." && segment != "..")
      segments.push_back(segment);
    prefix.remove_prefix(std::min(slash + 1, prefix.size()));
  }
  std::string out;
  for (const auto s : segments)
    out.append("/").append(s);
  return out.append("/api/").append(version).append("/alerts");
}

std::string url_of(const labels_builder& b) {
  std::string out(b.get(scheme_label));
  out.append("://").append(b.get(address_label));
  const auto path = b.get(path_label);
  if (!path.empty() && !path.starts_with('/'))
    out += '/';
  return out.append(path);
}

}  // namespace

result<alertmanager_resolver> alertmanager_resolver::create(
    const config::alertmanager_config& entry, config::name_validation validation) {
  alertmanager_resolver out;
  out.scheme_ = entry.scheme;
  out.path_ = alerts_path(entry.path_prefix, entry.api_version);
  TROUPE_ASSIGN(out.rules_, relabel::rules::compile(entry.relabel_configs, validation));
  return out;
}

alertmanager_resolver::outcome alertmanager_resolver::resolve(
    const std::string& address, const std::map<std::string, std::string>& group_labels) const {
  labels_builder b;
  b.set(address_label, address);
  b.set(scheme_label, scheme_);
  b.set(path_label, path_);
  for (const auto& [name, value] : group_labels)
    if (name != address_label)
      b.set(name, value);
  outcome out;
  out.url = url_of(b);
  if (!rules_.apply(b)) {
    out.dropped = true;
    return out;
  }
  const auto host = b.get(address_label);
  if (host.empty())
    out.error = {errc::invalid_argument, "no address"};
  else if (host.find('/') != std::string_view::npos)
    out.error = {errc::invalid_argument, quoted(host) + " is not a valid hostname"};
  else
    out.url = url_of(b);
  return out;
}

}  // namespace troupe::notify
